"""Keep the image libraries from writing to the terminal: what is wrong with a picture stands in the ledger instead."""

from __future__ import annotations

import ctypes
import logging
import warnings
from ctypes.util import find_library
from functools import cache
from pathlib import Path

import PIL

_WHEEL_LIBRARIES = ("../pillow.libs/libtiff*.so*", ".dylibs/libtiff*.dylib")


def silence_pillow() -> None:
    """Drop the warnings and log lines of Pillow's decoders, in the whole process."""
    warnings.filterwarnings("ignore", module=r"PIL\.")
    logging.getLogger("PIL").addHandler(logging.NullHandler())


@cache
def silence_libtiff() -> None:
    """Switch off the messages that libtiff writes to standard error; errors still reach Pillow.

    The library is the one inside Pillow's wheel, or the system's. Where neither is found, the messages stay.
    """
    folder = Path(PIL.__file__).parent
    bundled = [str(path.resolve()) for pattern in _WHEEL_LIBRARIES for path in folder.glob(pattern)]
    for name in bundled or filter(None, [find_library("tiff")]):
        try:
            library = ctypes.CDLL(name)
            library.TIFFSetErrorHandler(None)
            library.TIFFSetWarningHandler(None)
        except (OSError, AttributeError):
            continue

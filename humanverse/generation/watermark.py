"""The invisible mark: 32 bits that every generated picture of people carries, spread over all of its pixels.

RivaGAN (Zhang et al., arXiv 1909.01285), whose networks come with the package invisible-watermark, hides and reads them. The same
bits are in all pictures: they tell that a picture was generated, and nothing else. docs/generate.md says what they survive.
"""

from __future__ import annotations

import threading
from importlib.util import find_spec
from typing import Any

import numpy as np

from humanverse.errors import UserError

BITS = tuple(int(bit) for bit in f"{0x9B1D52E6:032b}")
"""The mark."""
ENOUGH = 27
"""Bits of a marked picture that must be right. By chance as many are in one picture of 17,000, if bits are evenly spread."""
LEAST = 256 * 256
"""Pixels that a picture must have to hold the mark."""
PACKAGES = {"imwatermark": "invisible-watermark==0.2.0", "pywt": "PyWavelets", "onnxruntime": "onnxruntime"}
"""Module -> the package that it is in."""
_METHOD = "rivaGan"
_ONE_AT_A_TIME = threading.Lock()


def check() -> None:
    """Refuse to go on without the packages.

    Raises:
        UserError: if one is not installed.
    """
    missing = [package for module, package in PACKAGES.items() if find_spec(module) is None]
    if missing:
        raise UserError(
            f"the invisible mark needs {' and '.join(missing)}: pip install --no-deps {' '.join(missing)} "
            "(generate can do without: --no-watermark)"
        )


def holds(picture: np.ndarray) -> bool:
    """Whether ``picture``, (height, width, 3), is large enough for the mark."""
    return picture.shape[0] * picture.shape[1] >= LEAST


def embedded(picture: np.ndarray) -> np.ndarray:
    """``picture`` with the mark in it.

    Args:
        picture: uint8 (height, width, 3), sRGB, that ``holds``.
    """
    with _ONE_AT_A_TIME:
        encoder = _library().WatermarkEncoder()
        encoder.loadModel()
        encoder.set_watermark("bits", BITS)
        made = encoder.encode(np.ascontiguousarray(picture[:, :, ::-1]), _METHOD)
    return np.ascontiguousarray(made[:, :, ::-1])


def agreement(picture: np.ndarray) -> int | None:
    """How many of the mark's 32 bits are read in ``picture``; None where it is too small to hold any.

    Args:
        picture: uint8 (height, width, 3), sRGB.
    """
    if not holds(picture):
        return None
    with _ONE_AT_A_TIME:
        decoder = _library().WatermarkDecoder("bits", len(BITS))
        decoder.loadModel()
        read = decoder.decode(np.ascontiguousarray(picture[:, :, ::-1]), _METHOD)
    return int((np.asarray(read, np.int64) == np.array(BITS)).sum())


def _library() -> Any:
    """imwatermark, whose import needs PyTorch."""
    from imwatermark import watermark

    return watermark

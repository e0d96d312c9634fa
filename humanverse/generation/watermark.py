"""The invisible mark: 32 bits that every generated picture of people carries, spread over all of its pixels.

RivaGAN (Zhang et al., arXiv 1909.01285), whose networks come with the package invisible-watermark, hides and reads them. The same
bits are in all pictures: they tell that a picture was generated, and nothing else. docs/generate.md says what they survive.
"""

from __future__ import annotations

import math
import threading
from importlib.util import find_spec
from typing import Any

import numpy as np

from humanverse.errors import UserError

BITS = tuple(int(bit) for bit in f"{0x9B1D52E6:032b}")
"""The mark."""
ENOUGH = 5.0
"""``strength`` from which on the mark counts as found."""
LEAST = 256 * 256
"""Pixels that a picture must have to hold the mark."""
PACKAGES = {"imwatermark": "invisible-watermark==0.2.0", "pywt": "PyWavelets", "onnxruntime": "onnxruntime"}
"""Module -> the package that it is in."""
_METHOD, _NEITHER = "rivaGan", 0.52
"""The library's name of it, and what its decoder says of a bit that is as likely 0 as 1."""
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


def embedded(picture: np.ndarray) -> np.ndarray | None:
    """``picture`` with the mark in it; None where it cannot be read again, as in a picture without any texture.

    Args:
        picture: uint8 (height, width, 3), sRGB.
    """
    if not holds(picture):
        return None
    with _ONE_AT_A_TIME:
        encoder = _library().WatermarkEncoder()
        encoder.loadModel()
        encoder.set_watermark("bits", BITS)
        made = encoder.encode(np.ascontiguousarray(picture[:, :, ::-1]), _METHOD)
    marked = np.ascontiguousarray(made[:, :, ::-1])
    return marked if (strength(marked) or 0.0) >= ENOUGH else None


def strength(picture: np.ndarray) -> float | None:
    """How clearly the mark is in ``picture``: Student's t of what the decoder says of its bits; None where it is too small.

    What the decoder says of each bit is taken with that bit's sign: the mean of the 32 over its standard error. It is about 0
    where there is no mark, and a few units off by chance.

    Args:
        picture: uint8 (height, width, 3), sRGB.
    """
    if not holds(picture):
        return None
    frame = np.ascontiguousarray(picture[:, :, ::-1].transpose(2, 0, 1), np.float32) / 127.5 - 1
    with _ONE_AT_A_TIME:
        networks = _library().RivaWatermark
        networks.loadModel()
        (said,) = networks.decoder.run(None, {"frame": frame[None, :, None]})
    signed = (np.asarray(said, np.float64).ravel() - _NEITHER) * np.where(np.array(BITS) == 1, 1, -1)
    return float(signed.mean() / max(signed.std(ddof=1) / math.sqrt(len(BITS)), 1e-9))


def _library() -> Any:
    """imwatermark, whose import needs PyTorch."""
    from imwatermark import watermark

    return watermark

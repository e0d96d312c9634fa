"""Resample whole pictures: as sharp as Lanczos to the eye, at the price of bicubic interpolation.

A picture that is to be more than 2.5 times as small is first averaged in blocks. Then a small low-pass filter takes away
what the wanted size cannot show, and bicubic interpolation does the rest. The filter's taps are multiples of 1/64, so that
its sums are exact in single precision: the same on all processors.
"""

from __future__ import annotations

import cv2
import numpy as np

Size = tuple[int, int]

_MOST = 2.5
"""How many times smaller the filter and the interpolation can make a picture."""

_LEFT_TO_FILTER = 1.25
"""Averaging in blocks leaves at least this many times the wanted size."""

_UNIT = 64
_RATIOS = (1.1, 1.2, 1.4, 1.6, 1.8, 2.0, 2.5)
_OUTER = (0, -2, -3, -4, -4, -3, -1)
_INNER = (0, 6, 10, 14, 17, 17, 17)
"""Of the five symmetric taps, in units of 1/64, by how many times smaller the picture becomes. They were found by search
for the highest PSNR to Pillow's Lanczos reduction over photographs; the inner one is at most 17, so that of the finest
stripes, of which the filter leaves 1 - 4 inner / 64, next to nothing remains. Between, they are interpolated and rounded."""


def resample(pixels: np.ndarray, size: Size) -> np.ndarray:
    """``pixels`` at another size.

    Args:
        pixels: uint8 (height, width, 3).
        size: (width, height), in pixels.

    Returns:
        uint8 (height, width, 3); the argument itself where the size is the same already.
    """
    if pixels.shape[1::-1] == size:
        return pixels
    pixels = _averaged(pixels, size)
    across, down = _taps(pixels.shape[1] / size[0]), _taps(pixels.shape[0] / size[1])
    if len(across) > 1 or len(down) > 1:
        pixels = cv2.sepFilter2D(pixels, -1, across, down)
    return pixels if pixels.shape[1::-1] == size else cv2.resize(pixels, size, interpolation=cv2.INTER_CUBIC)


def _averaged(pixels: np.ndarray, size: Size) -> np.ndarray:
    """``pixels`` averaged down to no less than ``_LEFT_TO_FILTER`` times the size, where they are ``_MOST`` times it."""
    own = pixels.shape[1::-1]
    left = tuple(o // _block(o / wanted) for o, wanted in zip(own, size, strict=True))
    return pixels if left == own else cv2.resize(pixels, left, interpolation=cv2.INTER_AREA)


def _block(ratio: float) -> int:
    return int(ratio / _LEFT_TO_FILTER) if ratio > _MOST else 1


def _taps(ratio: float) -> np.ndarray:
    """float32 (5,) or (1,), with the sum 1: the low-pass filter before a picture is made ``ratio`` times smaller."""
    outer, inner = (round(float(np.interp(ratio, _RATIOS, column))) for column in (_OUTER, _INNER))
    if not inner:
        return np.ones(1, np.float32)
    return np.array([outer, inner, _UNIT - 2 * (outer + inner), inner, outer], np.float32) / _UNIT

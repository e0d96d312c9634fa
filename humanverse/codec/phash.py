"""A picture's perceptual hash: 64 bits that stay nearly the same when it is resized or compressed again.

It is the hash of ``imagehash.phash`` (ImageHash 4, with its default sizes), so that published lists of such hashes can be used.
"""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

BITS = 64
ONES = BITS // 2
"""How many bits of a hash are set; fewer only where coefficients tie at the median, as in pictures of hardly any detail."""

_SIDE = 32
_LOW = 8
_AVERAGED_DETAIL = 3.0
"""Averaging in blocks leaves at least this many times the wanted size to the Lanczos filter."""
_SCALE = 1 << 20


def _cosines() -> np.ndarray:
    """int64 (8, 32): the first rows of the DCT-II, in units of 2^-20; sums of two passes over 8 bits fit into 63 bits."""
    steps = math.pi / (2 * _SIDE)
    rows = [[round(math.cos(steps * k * (2 * n + 1)) * _SCALE) for n in range(_SIDE)] for k in range(_LOW)]
    return np.array(rows, np.int64)


_COSINES = _cosines()


def phash(rgb: np.ndarray) -> int:
    """The perceptual hash of a picture.

    The picture in grey (BT.601) is reduced to 32x32 by a Lanczos filter; a bit is 1 where one of the 8x8 lowest
    coefficients of its DCT-II is greater than their median (D. Starkweather's pHash, in the variant of ImageHash). The most
    significant bit is the mean's, then come the horizontal frequencies. The DCT is computed in integers, so that what is
    zero is exactly zero; the reduction is Pillow's, in fixed point.

    Args:
        rgb: uint8 (height, width, 3), sRGB.

    Returns:
        0 to 2^64 - 1; its 16 hex digits are ImageHash's string. On photographs it is ImageHash's to 0 or 2 bits; not
        exactly, since large pictures are averaged in blocks before the filter.

    Raises:
        ValueError: the array has another shape or type.
    """
    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.size == 0:
        raise ValueError(f"expected uint8 (height, width, 3), got {rgb.dtype} {rgb.shape}")
    grey = Image.fromarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY))
    small = grey.resize((_SIDE, _SIDE), Image.Resampling.LANCZOS, reducing_gap=_AVERAGED_DETAIL)
    low = (_COSINES @ np.asarray(small, np.int64) @ _COSINES.T).ravel()
    middle = np.sort(low)[BITS // 2 - 1 : BITS // 2 + 1].sum()
    return int.from_bytes(np.packbits(2 * low > middle).tobytes(), "big")


def has_detail(hashes: npt.ArrayLike) -> Any:
    """Whether each hash (uint64) is of a picture with enough detail to be told from others by it: bool, same shape.

    Where fewer than half of the bits are set, coefficients tie at the median, since most are zero: the picture is of one
    colour, or changes in one direction only. Such pictures share few hashes, and need not be alike in anything else.
    """
    return np.bitwise_count(np.asarray(hashes, np.uint64)) == ONES


def distance(first: int, second: int) -> int:
    """In how many bits two hashes differ, 0 to 64."""
    return (first ^ second).bit_count()

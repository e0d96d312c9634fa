"""Aspect-ratio buckets: the sizes that training pictures are brought to, and which of them a picture gets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from humanverse.errors import UserError

Size = tuple[int, int]
MULTIPLE = 8
"""Pixels of a picture per cell of its latent: sides are multiples of this."""
MOST = 256


def aspect_buckets(side: int = 512, step: int = 64, most: float = 2.0) -> list[Size]:
    """Sizes (width, height) of about ``side`` x ``side`` pixels: for each width the largest height that has no more of them.

    Args:
        side: of the square among them.
        step: sides are multiples of it.
        most: the longer side over the shorter one, at most.
    """
    widths = range(step, int(side * most) + 1, step)
    sizes = {(width, side * side // width // step * step) for width in widths}
    return sorted(size for size in sizes | {(side, side)} if min(size) > 0 and max(size) <= most * min(size))


def check_buckets(given: Iterable[Any]) -> tuple[Size, ...]:
    """``given`` as sizes (width, height); a number stands for a square.

    Raises:
        UserError: if there is none, one comes twice, or a side cannot be had.
    """
    sizes = tuple(_size(item) for item in given)
    if not 1 <= len(sizes) <= MOST:
        raise UserError(f"{len(sizes)} buckets: give 1 to {MOST}, for example [512] or [(512, 512), (448, 576)]")
    if len(set(sizes)) < len(sizes):
        raise UserError("a bucket is listed twice: list it once")
    return sizes


def _size(given: Any) -> Size:
    sides = (given, given) if isinstance(given, int) else given
    if not isinstance(sides, Sequence) or len(sides) != 2 or not all(isinstance(side, int) for side in sides):
        raise UserError(f"{given!r} is no bucket: give a side, or (width, height), in pixels")
    if any(side < MULTIPLE or side % MULTIPLE for side in sides):
        raise UserError(f"a bucket of {sides[0]}x{sides[1]} cannot be: give multiples of {MULTIPLE} pixels")
    return int(sides[0]), int(sides[1])


def assign(widths: np.ndarray, heights: np.ndarray, buckets: Sequence[Size]) -> np.ndarray:
    """Which bucket each picture gets: the one whose aspect ratio is nearest, as a quotient; the first of equals.

    Args:
        widths: (n,), in pixels.
        heights: (n,), in pixels.

    Returns:
        uint8 (n,), positions in ``buckets``.
    """
    ratios = np.log([width / height for width, height in buckets])
    own = np.log(np.asarray(widths, np.float64) / np.asarray(heights, np.float64))
    return np.abs(own[:, None] - ratios[None, :]).argmin(axis=1).astype(np.uint8)

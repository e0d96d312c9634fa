"""Skeletons of one picture in the frame of another, without distortion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from humanverse.drawing.skeleton import SEEN
from schemas.skeletons import WHOLEBODY

MARGIN = 0.04
"""Of a frame's side, that stays free beside people who were not cut off in their own picture."""
Size = tuple[int, int]
"""(width, height) in pixels."""


def adapt(people: Sequence[Any], size: Size, to_size: Size, margin: float = MARGIN) -> list[np.ndarray]:
    """The people of a picture in a frame of another size or shape, all by the same scale and shift; upright as they were.

    The picture is made as large as fills the frame: the middle of all people stays at its fraction
    of the width, the lowest point, where they stand, at its fraction of the height. If they do not fit so, they are moved, then
    made smaller. Whoever was nearer to a side of the picture than the margin, as people who are cut off by it, may be as near to
    it in the frame.

    Args:
        people: per person 133 x 3 numbers (x, y, confidence), in any shape that holds these; pixels of the picture.
        size: of the picture.
        to_size: of the frame.
        margin: fraction of the frame's sides, below 0.5.

    Returns:
        Per person float32 (133, 3), in pixels of the frame. Points that are not drawn, or lie outside of the picture, move along
        and decide nothing; so does everything if there is no other point, and the picture is centred.
    """
    given = [np.asarray(person, dtype=np.float64).reshape(len(WHOLEBODY), 3) for person in people]
    frame, picture = np.array(to_size, np.float64), np.array(size, np.float64)
    low, high = _extent(given, picture)
    free_low = np.minimum(margin, low / picture) * frame
    free_high = np.minimum(margin, 1 - high / picture) * frame
    room, extent = frame - free_low - free_high, high - low
    scale = min([float((frame / picture).max()), *(room[extent > 0] / extent[extent > 0])])
    anchor = np.array([(low[0] + high[0]) / 2, high[1]])
    shift = anchor / picture * frame - scale * anchor
    shift = np.clip(shift, free_low - scale * low, frame - free_high - scale * high)
    return [np.column_stack([scale * points[:, :2] + shift, points[:, 2]]).astype(np.float32) for points in given]


def seen_inside(points: np.ndarray, size: Sequence[float] | np.ndarray) -> np.ndarray:
    """bool (n,): which of ``points`` (n, 3) are drawn and lie inside a picture of ``size`` (width, height)."""
    finite = np.isfinite(points).all(axis=1)
    inside = (points[:, :2] >= 0).all(axis=1) & (points[:, :2] <= np.asarray(size)).all(axis=1)
    return finite & inside & (points[:, 2] >= SEEN)


def _extent(people: Sequence[np.ndarray], picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest x and y of the points that are seen in the picture; its middle twice if there are none."""
    seen = [points[seen_inside(points, picture), :2] for points in people]
    points = np.concatenate(seen) if seen else np.zeros((0, 2))
    if not len(points):
        return picture / 2, picture / 2
    return points.min(axis=0), points.max(axis=0)

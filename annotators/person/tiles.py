"""Squares that cover a picture which is longer than wide, or wider than long, and what may be believed of each."""

from __future__ import annotations

import numpy as np

_NEARLY_SQUARE = 1.15
_EACH = 0.9
"""A further tile for every so many short sides of the longer one, so that neighbours overlap."""
_EDGE = 0.01
"""A box that comes so near to an inner edge of its tile, in sides of the tile, is taken for a part of somebody."""


def squares(width: int, height: int) -> np.ndarray:
    """int (n, 4): x0, y0, x1, y1 of the tiles, evenly spaced along the longer side; none for a nearly square picture."""
    side, longer = min(width, height), max(width, height)
    if longer <= _NEARLY_SQUARE * side:
        return np.zeros((0, 4), int)
    starts = np.linspace(0, longer - side, max(2, round(longer / side / _EACH))).round().astype(int)
    along = np.stack([starts, np.zeros_like(starts), starts + side, np.full_like(starts, side)], axis=1)
    return along if width >= height else along[:, [1, 0, 3, 2]]


def whole(boxes: np.ndarray, tile: np.ndarray, width: int, height: int) -> np.ndarray:
    """bool (n,): which of the boxes found in a tile do not end at an edge of it that lies inside the picture.

    Args:
        boxes: float (n, 4), pixels of the picture.
        tile: x0, y0, x1, y1 of the tile.
        width: of the picture, in pixels.
        height: of the picture, in pixels.
    """
    margin = _EDGE * (tile[2] - tile[0])
    inner = np.array([tile[0] > 0, tile[1] > 0, tile[2] < width, tile[3] < height])
    near = np.abs(boxes - tile) <= margin
    return ~(near & inner).any(axis=1)

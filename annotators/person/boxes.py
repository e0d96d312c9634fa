"""Box arithmetic, and the person layer's row.

A box is (x0, y0, x1, y1) in pixels of the stored picture, (0, 0) its top left corner, x1 and y1 exclusive.
Arrays of boxes are float (n, 4).
"""

from __future__ import annotations

import numpy as np

from annotators.base import Row


def clipped(boxes: np.ndarray, width: int, height: int) -> np.ndarray:
    """``boxes`` cut off at the picture's borders; a box that lies outside comes back with no area."""
    limits = np.array([width, height, width, height], dtype=boxes.dtype)
    return np.clip(boxes, 0, limits)


def areas(boxes: np.ndarray) -> np.ndarray:
    """Area of each box in square pixels, float (n,); 0 for a box turned inside out."""
    return np.clip(boxes[:, 2] - boxes[:, 0], 0, None) * np.clip(boxes[:, 3] - boxes[:, 1], 0, None)


def union_area(boxes: np.ndarray) -> float:
    """Area in square pixels that at least one of ``boxes`` covers, exact.

    The boxes' edges cut the plane into a grid of at most (2n - 1)² cells; each cell is covered or not as a
    whole.
    """
    if not len(boxes):
        return 0.0
    xs, ys = np.unique(boxes[:, [0, 2]]), np.unique(boxes[:, [1, 3]])
    covered = np.zeros((len(ys) - 1, len(xs) - 1), dtype=bool)
    columns, rows = np.searchsorted(xs, boxes[:, [0, 2]]), np.searchsorted(ys, boxes[:, [1, 3]])
    for (left, right), (top, bottom) in zip(columns, rows, strict=True):
        covered[top:bottom, left:right] = True
    return float(np.diff(ys) @ covered @ np.diff(xs))


def overlap(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Intersection over union of every box with every other, float (n, m)."""
    corners = np.maximum(boxes[:, None, :2], others[None, :, :2])
    opposite = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    shared = np.clip(opposite - corners, 0, None).prod(axis=2)
    total = areas(boxes)[:, None] + areas(others)[None, :] - shared
    return shared / np.maximum(total, 1e-12)


def suppressed(boxes: np.ndarray, scores: np.ndarray, limit: float) -> np.ndarray:
    """Greedy non-maximum suppression: indices kept, best first, none of which overlaps a better one by
    ``limit`` or more."""
    order = np.argsort(-scores, kind="stable")
    overlaps = overlap(boxes, boxes)
    kept: list[int] = []
    for index in order:
        if not kept or overlaps[index, kept].max() < limit:
            kept.append(int(index))
    return np.array(kept, dtype=int)


def person_row(boxes: np.ndarray, scores: np.ndarray, width: int, height: int, min_score: float) -> Row:
    """The person layer's columns: boxes of ``min_score`` or more, clipped, best first, those without area
    left out.

    Args:
        boxes: float (n, 4), pixels of a picture of ``width`` × ``height``.
        scores: float (n,) in [0, 1].
        width: of the picture, in pixels.
        height: of the picture, in pixels.
        min_score: the floor.
    """
    boxes = clipped(np.asarray(boxes, dtype=np.float32).reshape(-1, 4), width, height)
    scores = np.asarray(scores, dtype=np.float32)
    chosen = np.flatnonzero((scores >= np.float32(min_score)) & (areas(boxes) > 0))
    chosen = chosen[np.argsort(-scores[chosen], kind="stable")]
    exact = boxes[chosen].astype(np.float64)
    return {
        "boxes": boxes[chosen].tolist(),
        "scores": scores[chosen].tolist(),
        "area_ratios": (areas(exact) / (width * height)).tolist(),
        "union_area_ratio": union_area(exact) / (width * height),
    }

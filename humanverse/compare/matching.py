"""Boxes against boxes, and who of one list is who of another."""

from __future__ import annotations

import numpy as np

INSIDE = 0.5
"""Share of a box's area from which it lies in another."""


def areas(boxes: np.ndarray) -> np.ndarray:
    """Area of each box (x0, y0, x1, y1): float (n, 4) -> (n,), 0 for one turned inside out."""
    return np.clip(boxes[:, 2:] - boxes[:, :2], 0, None).prod(axis=1)


def shared(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Area that each box of ``a`` (n, 4) shares with each of ``b`` (m, 4): float (n, m)."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    return np.clip(high - low, 0, None).prod(axis=2)


def iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Intersection over union of each box of ``a`` with each of ``b``: float (n, m), 0 where both have no area."""
    common = shared(a, b)
    union = areas(a)[:, None] + areas(b)[None, :] - common
    return np.divide(common, union, out=np.zeros_like(common), where=union > 0)


def one_to_one(similarity: np.ndarray, least: float) -> tuple[np.ndarray, np.ndarray]:
    """The assignment with the highest total similarity (Hungarian algorithm), without its pairs below ``least``.

    Args:
        similarity: float (n, m) in [0, 1].
        least: from which similarity on two can be the same.

    Returns:
        Positions in the rows, and in the columns, of the pairs.
    """
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(similarity, maximize=True)
    same = similarity[rows, columns] >= least
    return rows[same], columns[same]


def lie_in(boxes: np.ndarray, others: np.ndarray) -> int:
    """How many of ``boxes`` (n, 4) have at least half of their area in one of ``others`` (m, 4)."""
    if not len(boxes) or not len(others):
        return 0
    return int((shared(boxes, others).max(axis=1) >= INSIDE * np.maximum(areas(boxes), 1e-12)).sum())

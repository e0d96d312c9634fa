"""Object keypoint similarity, as COCO's evaluation defines it and pycocotools' ``COCOeval.computeOks`` computes it.

OKS = mean over the points i that the reference has of exp(-d_i² / (2 s² k_i²)), with d_i the distance, s² the reference's area
and k_i = 2 sigma_i. Of a person without any point in the reference, d_i is how far a point lies outside the box of three times
the reference's width and height, and all points count.
"""

from __future__ import annotations

import numpy as np


def point_similarity(points: np.ndarray, reference: np.ndarray, areas: np.ndarray, sigmas: np.ndarray) -> np.ndarray:
    """exp(-e) of each point: float (..., k).

    Args:
        points: float (..., k, 2).
        reference: float (..., k, 2).
        areas: float (...), of the reference, square pixels.
        sigmas: float (k,).
    """
    return _falloff(((points - reference) ** 2).sum(axis=-1), areas, sigmas)


def _falloff(squared: np.ndarray, areas: np.ndarray, sigmas: np.ndarray) -> np.ndarray:
    return np.exp(-squared / (2 * sigmas) ** 2 / (np.asarray(areas)[..., None] + np.spacing(1)) / 2)


def oks(
    points: np.ndarray,
    reference: np.ndarray,
    labelled: np.ndarray,
    areas: np.ndarray,
    boxes: np.ndarray,
    sigmas: np.ndarray,
) -> np.ndarray:
    """OKS of every person with every person of the reference: float (n, m).

    Args:
        points: float (n, k, 2).
        reference: float (m, k, 2).
        labelled: bool (m, k), which points the reference has.
        areas: float (m,), square pixels.
        boxes: float (m, 4), x0, y0, x1, y1, of the reference.
        sigmas: float (k,).
    """
    similar = point_similarity(points[:, None], reference[None], areas[None], sigmas)
    counts = labelled.sum(axis=1)
    by_points = (similar * labelled[None]).sum(axis=2) / np.maximum(counts, 1)
    return np.where(counts[None] > 0, by_points, _near(points, areas, boxes, sigmas))


def _near(points: np.ndarray, areas: np.ndarray, boxes: np.ndarray, sigmas: np.ndarray) -> np.ndarray:
    """What stands for OKS where the reference has no point."""
    size = boxes[:, 2:] - boxes[:, :2]
    low, high = (boxes[:, :2] - size)[None, :, None], (boxes[:, 2:] + size)[None, :, None]
    beyond = np.clip(low - points[:, None], 0, None) + np.clip(points[:, None] - high, 0, None)
    return _falloff((beyond**2).sum(axis=-1), areas[None], sigmas).mean(axis=2)

"""Points out of SimCC's answers: for each point how likely it lies in each column, and in each row (Li et al., "SimCC: A Simple
Coordinate Classification Perspective for Human Pose Estimation", ECCV 2022). Bins are fractions of a pixel of the crop: bin b of
a split of s lies at b / s, pixel centres counted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def decoded(columns: np.ndarray, rows: np.ndarray, split: int) -> np.ndarray:
    """float64 (n, points, 3): x, y in pixels of the crop, and confidence, the lower of both peaks, clipped to [0, 1]; zeros where
    it is not above zero (MMPose's ``get_simcc_maximum``).

    Args:
        columns: (n, points, split x width).
        rows: (n, points, split x height).
        split: bins for each pixel.
    """
    peak = np.minimum(columns.max(axis=2), rows.max(axis=2)).astype(np.float64)
    place = np.stack([columns.argmax(axis=2), rows.argmax(axis=2)], axis=2) / split
    said = np.concatenate([place, peak.clip(0, 1)[..., None]], axis=2)
    return np.where(peak[..., None] > 0, said, 0.0)


def averaged(columns: np.ndarray, mirrored: np.ndarray, swap: Sequence[int], split: int) -> np.ndarray:
    """The columns of crops and of their mirror images, one with the other.

    Pixel p of a crop is the mirror image's ``width - 1 - p``, so that bin b is its bin ``split (width - 1) - b``; the last
    ``split - 1`` bins, which have none, are given its first. MMPose's flip test takes bin ``split width - 1 - b``, which is half
    a pixel beside it for a split of 2.

    Args:
        columns: (n, points, split x width), of the crops.
        mirrored: of their mirror images.
        swap: slot of each point's mirror image.
        split: bins for each pixel.
    """
    last = columns.shape[2] - split
    bins = np.maximum(last - np.arange(columns.shape[2]), 0)
    return (columns + mirrored[:, list(swap)][..., bins]) / 2

"""Heatmaps that are drawn: what a network would say that knows where its points are."""

from __future__ import annotations

import numpy as np


def gaussians(points: np.ndarray, size: tuple[int, int], deviation: float = 2.0) -> np.ndarray:
    """float32 (n, height, width), 1 at each point.

    Args:
        points: (n, 2) in pixels of the maps, pixel centres counted.
        size: (width, height) of the maps.
        deviation: in pixels; ViTPose was trained on 2.
    """
    x, y = (
        np.exp(-((np.arange(length) - points[:, [axis]]) ** 2) / 2 / deviation**2) for axis, length in enumerate(size)
    )
    return (y[:, :, None] * x[:, None, :]).astype(np.float32)

"""Blur parts of a picture beyond recognition: pixelation first, since it throws information away, then a Gaussian over it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np

CELLS = 5
"""Squares of the pixelation across the shorter axis of a region."""
_LEAST_CELL = 4
_SOFTNESS = 0.5
"""Standard deviation of the Gaussian, in squares."""
_FINE = 8


@dataclass(frozen=True)
class Ellipse:
    """A region of a picture.

    Attributes:
        x: of the centre, in pixels from the left edge.
        y: of the centre, in pixels from the top edge.
        a: half the axis that ``angle`` turns away from the x axis, in pixels.
        b: half the other axis, in pixels.
        angle: radians, from the x axis towards the y axis (clockwise as one sees it).
    """

    x: float
    y: float
    a: float
    b: float
    angle: float = 0.0

    @property
    def extent(self) -> tuple[float, float]:
        """Half the width and half the height of the upright box around it, in pixels."""
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        return float(np.hypot(self.a * cos, self.b * sin)), float(np.hypot(self.a * sin, self.b * cos))

    def contains(self, points: np.ndarray) -> np.ndarray:
        """Whether each of ``points``, float (..., 2) as x, y in pixels, is inside: bool (...)."""
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        x, y = points[..., 0] - self.x, points[..., 1] - self.y
        return np.asarray(((cos * x + sin * y) / self.a) ** 2 + ((cos * y - sin * x) / self.b) ** 2 <= 1)


def blur(rgb: np.ndarray, regions: Iterable[Ellipse]) -> np.ndarray:
    """A copy of ``rgb`` whose ``regions`` cannot be recognised any more.

    Of a region, no more is left than ``CELLS`` mean colours across its shorter axis, each of at least 4 x 4 pixels, smoothed.

    Args:
        rgb: uint8 (height, width, 3).
        regions: in its pixels; what lies outside of the picture is passed over.

    Returns:
        uint8 (height, width, 3).
    """
    blurred = rgb.copy()
    for region in regions:
        _blur_one(blurred, region)
    return blurred


def _blur_one(rgb: np.ndarray, region: Ellipse) -> None:
    cell = max(_LEAST_CELL, round(2 * min(region.a, region.b) / CELLS))
    across, down = (half + cell for half in region.extent)
    x0, y0 = max(0, int(region.x - across)), max(0, int(region.y - down))
    x1, y1 = min(rgb.shape[1], int(region.x + across) + 1), min(rgb.shape[0], int(region.y + down) + 1)
    if x0 >= x1 or y0 >= y1:
        return
    part = rgb[y0:y1, x0:x1]
    mask = np.zeros(part.shape[:2], np.uint8)
    axes = (int(np.ceil(region.a)), int(np.ceil(region.b)))
    centre = (round(region.x) - x0, round(region.y) - y0)
    cv2.ellipse(mask, centre, axes, float(np.degrees(region.angle)), 0, 360, 255, cv2.FILLED)
    cv2.copyTo(_unrecognisable(part, cell), mask, part)


def _unrecognisable(pixels: np.ndarray, cell: int) -> np.ndarray:
    """Each square's mean, then smoothed; done on squares of ``_FINE`` pixels, which is enough for what is so soft."""
    height, width = pixels.shape[:2]
    cells = (max(1, width // cell), max(1, height // cell))
    means = cv2.resize(pixels, cells, interpolation=cv2.INTER_AREA)
    squares = cv2.resize(means, (cells[0] * _FINE, cells[1] * _FINE), interpolation=cv2.INTER_NEAREST)
    soft = cv2.GaussianBlur(squares, (0, 0), _SOFTNESS * _FINE, borderType=cv2.BORDER_REPLICATE)
    return cv2.resize(soft, (width, height), interpolation=cv2.INTER_LINEAR)

"""Square windows of a picture, turned and scaled, and the way back from a crop to the picture.

Positions are those of edges: pixel i covers [i, i + 1), so that its centre is at i + 0.5. Crop coordinates are fractions of
the crop's side in [0, 1], x to the right and y down.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_REDUCE_ABOVE = 1.5
"""From this many picture pixels per crop pixel on, the picture is first made smaller by area averaging."""


@dataclass(frozen=True)
class Window:
    """A square of the picture, in pixels.

    Attributes:
        x, y: its centre.
        side: its length.
        angle: in radians; the crop's x axis points to (cos angle, sin angle) in the picture.
    """

    x: float
    y: float
    side: float
    angle: float = 0.0

    @property
    def axes(self) -> np.ndarray:
        """float64 (2, 2): the crop's x and y axes as columns, in pixels of the picture for the whole side."""
        cosine, sine = np.cos(self.angle), np.sin(self.angle)
        return self.side * np.array([[cosine, -sine], [sine, cosine]])

    def to_picture(self, points: np.ndarray) -> np.ndarray:
        """Crop fractions (…, 2) as pixels of the picture."""
        return (points - 0.5) @ self.axes.T + (self.x, self.y)

    def to_crop(self, points: np.ndarray) -> np.ndarray:
        """Pixels of the picture (…, 2) as crop fractions."""
        return (points - (self.x, self.y)) @ np.linalg.inv(self.axes).T + 0.5


def around(box: np.ndarray, scale: float) -> Window:
    """The upright window around a box (x0, y0, x1, y1) whose side is ``scale`` times the box's longer one."""
    x0, y0, x1, y1 = (float(value) for value in box)
    return Window((x0 + x1) / 2, (y0 + y1) / 2, scale * max(x1 - x0, y1 - y0))


def cut(rgb: np.ndarray, window: Window, size: int) -> np.ndarray:
    """The window as uint8 (size, size, 3); black where it reaches outside the picture.

    Args:
        rgb: uint8 (height, width, 3).
        window: what to cut.
        size: side of the crop, in pixels.
    """
    import cv2

    corners = window.to_picture(np.array([[0.0, 0.0], [1, 0], [0, 1], [1, 1]]))
    height, width = rgb.shape[:2]
    margin = 2 * window.side / size
    left, top = np.clip(np.floor(corners.min(axis=0) - margin), 0, (width, height)).astype(int)
    right, bottom = np.clip(np.ceil(corners.max(axis=0) + margin), 0, (width, height)).astype(int)
    if left >= right or top >= bottom:
        return np.zeros((size, size, 3), np.uint8)
    part = rgb[top:bottom, left:right]
    step = window.side / size
    if step > _REDUCE_ABOVE:
        smaller = (max(1, round(part.shape[1] / step)), max(1, round(part.shape[0] / step)))
        part = cv2.resize(part, smaller, interpolation=cv2.INTER_AREA)
    scale = np.array([part.shape[1] / (right - left), part.shape[0] / (bottom - top)])
    linear = scale[:, None] * window.axes / size
    origin = scale * (window.to_picture(np.array([0.5 / size, 0.5 / size])) - (left, top)) - 0.5
    matrix = np.column_stack([linear, origin])
    return np.asarray(cv2.warpAffine(part, matrix, (size, size), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP))


def blur_outside(crop: np.ndarray, box: np.ndarray, kernel: int) -> np.ndarray:
    """``crop`` with all that lies outside ``box`` blurred, so that neighbours draw no attention.

    Args:
        crop: uint8 (size, size, 3).
        box: (x0, y0, x1, y1) in crop fractions.
        kernel: side of the averaging square, in pixels of the crop.
    """
    import cv2

    size = crop.shape[0]
    x0, y0 = np.clip(np.floor(box[:2] * size), 0, size).astype(int)
    x1, y1 = np.clip(np.ceil(box[2:] * size), 0, size).astype(int)
    blurred = np.asarray(cv2.blur(crop, (kernel, kernel)))
    blurred[y0:y1, x0:x1] = crop[y0:y1, x0:x1]
    return blurred

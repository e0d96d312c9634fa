"""What a top-down pose network is shown of a person, and the way back: the geometry of MMPose's ``TopDownAffine`` without UDP.

The network's frame counts pixel centres: its pixel i lies at i, in the crop as in the picture. The picture's pixels here, as in
every layer, are those of edges: pixel i covers [i, i + 1), so that its centre is at i + 0.5.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

PADDING = 1.25
"""Of the box, along both sides (MMPose's ``GetBBoxCenterScale`` and, before 1.0, ``_xywh2cs``)."""
_SMALLEST = 1e-3
"""Pixels: the width and height that an empty box is given, so that every person has a crop."""


@dataclass(frozen=True)
class Crop:
    """An upright part of the picture, scaled alike along both sides.

    Attributes:
        x, y: the box's middle, which is shown at the crop's pixel (width / 2, height / 2).
        scale: pixels of the picture for one of the crop.
        size: (width, height) of the crop, in its pixels.
    """

    x: float
    y: float
    scale: float
    size: tuple[int, int]

    @property
    def _origin(self) -> np.ndarray:
        """float64 (2,): where the crop's pixel (0, 0) lies in the picture, pixel centres counted."""
        return np.array([self.x, self.y]) - self.scale * np.array(self.size) / 2

    def to_picture(self, points: np.ndarray) -> np.ndarray:
        """Points of the crop (…, 2), pixel centres counted, as pixels of the picture."""
        return self._origin + self.scale * points + 0.5

    def to_crop(self, points: np.ndarray) -> np.ndarray:
        """Pixels of the picture (…, 2) as points of the crop, pixel centres counted."""
        return (points - 0.5 - self._origin) / self.scale

    def cut(self, rgb: np.ndarray) -> np.ndarray:
        """What the crop shows, uint8 (height, width, 3): bilinear, black where it reaches outside the picture.

        Args:
            rgb: uint8 (height, width, 3).
        """
        import cv2

        matrix = np.column_stack([self.scale * np.eye(2), self._origin])
        return np.asarray(cv2.warpAffine(rgb, matrix, self.size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP))


def around(box: np.ndarray, size: tuple[int, int]) -> Crop:
    """The crop of a box: its shorter side is lengthened to the crop's aspect, then both are padded.

    Args:
        box: (x0, y0, x1, y1) in pixels of the picture.
        size: (width, height) of the crop.
    """
    x0, y0, x1, y1 = (float(value) for value in box)
    scale = max((x1 - x0) / size[0], (y1 - y0) / size[1], _SMALLEST / min(size))
    return Crop((x0 + x1) / 2, (y0 + y1) / 2, PADDING * scale, size)

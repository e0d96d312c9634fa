"""Where a picture lies in the larger canvas that estimators are shown. Sizes are (width, height), all numbers whole pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Frame:
    """A picture and the margins around it. A pixel of the picture is a pixel of the canvas, moved by ``offset``.

    Attributes:
        size: (width, height) of the picture.
        left, top, right, bottom: the margins.
    """

    size: tuple[int, int]
    left: int
    top: int
    right: int
    bottom: int

    @property
    def offset(self) -> tuple[int, int]:
        """Where the picture's top left corner lies in the canvas, (x, y)."""
        return self.left, self.top

    @property
    def canvas(self) -> tuple[int, int]:
        """(width, height) of the canvas."""
        return self.left + self.size[0] + self.right, self.top + self.size[1] + self.bottom

    @property
    def box(self) -> tuple[int, int, int, int]:
        """(x0, y0, x1, y1) of the picture in the canvas."""
        return self.left, self.top, self.left + self.size[0], self.top + self.size[1]

    @property
    def same(self) -> bool:
        """Whether the canvas is the picture itself."""
        return self.canvas == self.size


@dataclass(frozen=True)
class Canvas:
    """What estimators are shown.

    Attributes:
        rgb: uint8 (height, width, 3) of the canvas; inside ``frame.box`` it is the picture, bit for bit.
        frame: where the picture lies.
    """

    rgb: np.ndarray
    frame: Frame


def laid(rgb: np.ndarray, surroundings: np.ndarray, frame: Frame) -> Canvas:
    """The picture laid on ``surroundings``, both uint8 (height, width, 3); the latter of the canvas' size."""
    canvas = np.array(surroundings)
    x0, y0, x1, y1 = frame.box
    canvas[y0:y1, x0:x1] = rgb
    return Canvas(canvas, frame)


def replicated(rgb: np.ndarray, frame: Frame) -> np.ndarray:
    """The canvas whose margins repeat the picture's outermost pixels, uint8 (height, width, 3)."""
    import cv2

    sides = (frame.top, frame.bottom, frame.left, frame.right)
    return np.asarray(cv2.copyMakeBorder(rgb, *sides, borderType=cv2.BORDER_REPLICATE))

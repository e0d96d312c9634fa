"""What an inpainting model is shown of a canvas, and how what it painted becomes the margins.

The model looks at the canvas at a size of its own, where the picture's borders need not fall between pixels. What it paints is
enlarged to the canvas, and the picture is laid on it, so that the picture's own pixels are never resampled.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from annotators.maps import resized
from annotators.outpaint.canvas import Canvas, Frame, laid, replicated

LONGEST = 2.0
"""Of the model's own side: the longer side of a very long canvas is no longer."""


def working_size(canvas: tuple[int, int], side: int, multiple: int) -> tuple[int, int]:
    """The size at which a model looks at a canvas: as many pixels as a square of ``side``, of the canvas' proportions.

    Args:
        canvas: (width, height).
        side: for which the model was made.
        multiple: of which both sides are.
    """
    scale = min(side / math.sqrt(canvas[0] * canvas[1]), LONGEST * side / max(canvas))
    width, height = (max(multiple, round(length * scale / multiple) * multiple) for length in canvas)
    return width, height


@dataclass(frozen=True)
class Sketch:
    """A canvas at the model's size.

    Attributes:
        frame: where the picture lies in the canvas.
        size: (width, height) for the model.
    """

    frame: Frame
    size: tuple[int, int]

    @property
    def _scale(self) -> tuple[float, float]:
        """Pixels of the model for one of the canvas, along both sides."""
        return self.size[0] / self.frame.canvas[0], self.size[1] / self.frame.canvas[1]

    def shown(self, rgb: np.ndarray) -> np.ndarray:
        """uint8 (height, width, 3): the picture ``rgb`` with its border repeated into the margins, at the model's size."""
        return resized(replicated(rgb, self.frame), self.size)

    @property
    def unknown(self) -> np.ndarray:
        """bool (height, width): the pixels whose middle is not in the picture, which are to be painted."""
        inside = np.ones(self.size[::-1], bool)
        for axis, (scale, low, high) in enumerate(
            zip(self._scale, self.frame.box[:2], self.frame.box[2:], strict=True)
        ):
            middles = (np.arange(self.size[axis]) + 0.5) / scale
            within = (middles >= low) & (middles < high)
            inside &= within[None, :] if axis == 0 else within[:, None]
        return ~inside

    def emptied(self, painting: np.ndarray) -> np.ndarray:
        """``painting`` black where no margin is made from it, so that what is kept does not show the picture.

        A rim is left inside the picture's border, as wide as interpolation reaches.
        """
        x0, y0, x1, y1 = self.frame.box
        across, down = self._scale
        rims = [math.ceil(max(1.0, scale)) + 1 for scale in (across, down)]
        columns = slice(math.ceil(x0 * across) + rims[0], max(0, math.floor(x1 * across) - rims[0]))
        rows = slice(math.ceil(y0 * down) + rims[1], max(0, math.floor(y1 * down) - rims[1]))
        kept = np.array(painting)
        kept[rows, columns] = 0
        return kept

    def canvas(self, rgb: np.ndarray, painting: np.ndarray) -> Canvas:
        """The picture ``rgb`` on what was painted around it, uint8 (height, width, 3) of the model's size."""
        return laid(rgb, resized(painting, self.frame.canvas), self.frame)

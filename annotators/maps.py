"""Pictures made ready for estimators of dense maps, and maps made ready for storage.

Sizes are (width, height) in pixels. A map covers a box (x0, y0, x1, y1) of the stored picture, in its pixels; what it was resized
by is not kept apart, since readers resample it onto that box.
"""

from __future__ import annotations

import numpy as np
from pydantic import Field

from annotators.base import Settings

OPENCV_TO_LAYER = np.array([1, -1, -1], dtype=np.float32)
"""From a camera's frame with x right, y down, z into the picture to the one that normals are stored in: y up, z towards the
camera."""


class MapSettings(Settings):
    """Attributes:
    map_side: the longest side of a stored map, in pixels; a larger one is averaged down to it, which keeps maps from outweighing
    their pictures.
    """

    map_side: int = Field(default=512, ge=16)


def working_size(size: tuple[int, int], shorter: int, multiple: int, stretch: float = 4.0) -> tuple[int, int]:
    """The size at which a network looks at a whole picture of ``size``.

    The picture's shorter side becomes ``shorter`` and its proportions are kept, but for rounding both sides to
    ``multiple``. Where the longer side would be more than ``stretch`` times ``shorter``, it becomes that instead.

    Args:
        size: of the picture.
        shorter: a multiple of ``multiple``.
        multiple: of which the network wants both sides.
        stretch: the longest longer side that there is, in ``shorter`` sides.
    """
    scale = min(shorter / min(size), stretch * shorter / max(size))
    width, height = (max(multiple, round(side * scale / multiple) * multiple) for side in size)
    return width, height


def resized(rgb: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """uint8 (height, width, 3): ``rgb`` at another size; bilinear, antialiased where it shrinks, as Pillow does it."""
    from PIL import Image

    return np.asarray(Image.fromarray(rgb).resize(size, Image.Resampling.BILINEAR))


def bounded(values: np.ndarray, side: int) -> np.ndarray:
    """A map (height, width) or (height, width, channels) at most ``side`` long: as it is, or averaged by area."""
    import cv2

    height, width = values.shape[:2]
    if max(height, width) <= side:
        return values
    scale = side / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return cv2.resize(values.astype(np.float32), size, interpolation=cv2.INTER_AREA)


def unit(vectors: np.ndarray) -> np.ndarray:
    """float32 (height, width, 3): the vectors at length 1, NaN where one is too short to have a direction."""
    lengths = np.linalg.norm(vectors, axis=2, keepdims=True)
    return np.divide(vectors, lengths, out=np.full(vectors.shape, np.nan, np.float32), where=lengths > 1e-3)

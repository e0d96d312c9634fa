"""Pictures made ready for estimators of dense maps, and maps made ready for storage.

Sizes are (width, height) in pixels. A map covers a box (x0, y0, x1, y1) of the stored picture, in its pixels; what it was resized
by is not kept apart, since readers resample it onto that box.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pydantic import Field

from annotators.base import Row, Settings
from humanverse.codec.maps import decode_segmentation
from schemas.layers import BACKGROUND_LABEL, UNKNOWN_LABEL

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


def people_in(said: Row, box: Sequence[float], shape: tuple[int, int]) -> np.ndarray:
    """bool (height, width): the cells of a map whose centres a segmentation gives to people; false where it says nothing.

    Args:
        said: an ok row of a segmentation layer, with the PNG under ``"map"``.
        box: the part of the stored picture that the map covers, (x0, y0, x1, y1) in its pixels.
        shape: of the map, (height, width).
    """
    ids = decode_segmentation(said["map"])
    places = []
    for axis, (cells, own) in enumerate(zip(shape[::-1], ids.shape[::-1], strict=True)):
        low, high, first, last = box[axis], box[axis + 2], said["map_box"][axis], said["map_box"][axis + 2]
        centres = low + (high - low) * (np.arange(cells) + 0.5) / cells
        places.append(np.floor((centres - first) / (last - first) * own).astype(int))
    inside = [(place >= 0) & (place < own) for place, own in zip(places, ids.shape[::-1], strict=True)]
    across, down = (np.clip(place, 0, own - 1) for place, own in zip(places, ids.shape[::-1], strict=True))
    read = ids[np.ix_(down, across)]
    known: np.ndarray = (read != BACKGROUND_LABEL) & (read != UNKNOWN_LABEL)
    return known & inside[1][:, None] & inside[0][None, :]

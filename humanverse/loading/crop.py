"""Where a training picture lies in a stored one: scaled until the bucket is covered, cropped at random, mirrored if asked for.

One ``Crop`` places picture, maps and keypoints alike. A stored point (x, y) is the training picture's
(x scale - left, y scale - top); mirrored, its x is the bucket's width less that.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from humanverse.codec.jpeg import decode_part, decode_rgb
from humanverse.codec.resample import resample
from humanverse.loading.buckets import Size
from schemas.skeletons import WHOLEBODY_FLIP

SIZES = ("original_height", "original_width", "crop_top", "crop_left")
"""What models are told of a training picture, in this order, in pixels: the size of the upright original before it was scaled and
cropped, and the crop's upper left corner."""
_EIGHTHS = 8


@dataclass(frozen=True)
class Crop:
    """Where a training picture lies.

    Attributes:
        stored: (width, height) of the stored picture, in pixels.
        size: (width, height) of the training picture.
        scale: training pixels per stored pixel, the same along both axes.
        left: training pixels that are cut off at the left of the scaled picture.
        top: likewise, at the top.
        mirrored: left and right are exchanged after that.
    """

    stored: Size
    size: Size
    scale: float
    left: int
    top: int
    mirrored: bool = False

    @property
    def box(self) -> tuple[float, float, float, float]:
        """(x0, y0, x1, y1), the part of the stored picture that is shown, in its pixels."""
        (width, height), scale = self.size, self.scale
        edges = (self.left / scale, self.top / scale, (self.left + width) / scale, (self.top + height) / scale)
        x1, y1 = min(edges[2], float(self.stored[0])), min(edges[3], float(self.stored[1]))
        return edges[0], edges[1], x1, y1

    @property
    def corner(self) -> tuple[int, int]:
        """(top, left) of the crop in the scaled picture as it is shown, in training pixels: what SDXL is conditioned on."""
        if not self.mirrored:
            return self.top, self.left
        return self.top, max(int(self.stored[0] * self.scale + 1e-6) - self.left - self.size[0], 0)

    def points(self, keypoints: np.ndarray) -> np.ndarray:
        """Keypoints in the training picture.

        Args:
            keypoints: float (people, 133, 3): x and y in stored pixels, confidence.

        Returns:
            The same in training pixels; of a mirrored picture each slot has the point that is there now.
        """
        moved = np.asarray(keypoints, np.float64).copy()
        moved[:, :, 0] = moved[:, :, 0] * self.scale - self.left
        moved[:, :, 1] = moved[:, :, 1] * self.scale - self.top
        if self.mirrored:
            moved[:, :, 0] = self.size[0] - moved[:, :, 0]
            moved = moved[:, WHOLEBODY_FLIP]
        return moved


def choose(stored: Size, size: Size, across: float, down: float, mirrored: bool = False) -> Crop:
    """The crop of a stored picture for a bucket.

    Args:
        stored: (width, height), in pixels.
        size: of the bucket.
        across: in [0, 1), where the crop lies between the left and the right end.
        down: likewise, between top and bottom.
    """
    scale = max(size[0] / stored[0], size[1] / stored[1])
    spare = [int(side * scale - own + 1e-6) for side, own in zip(stored, size, strict=True)]
    left, top = (int(share * (room + 1)) for share, room in zip((across, down), spare, strict=True))
    return Crop(stored, size, scale, left, top, mirrored)


def cropped(jpeg: bytes, crop: Crop) -> np.ndarray:
    """The training picture, uint8 (height, width, 3), sRGB.

    Decoded at the smallest of libjpeg's scales that has as many pixels as are needed, then resampled.

    Raises:
        ValueError: if the bytes are no JPEG, or one of another size than ``crop`` is for.
    """
    least = (math.ceil(crop.stored[0] * crop.scale), math.ceil(crop.stored[1] * crop.scale))
    whole = least[0] >= crop.stored[0]
    pixels = None if whole else decode_part(jpeg, least)
    pixels = decode_rgb(jpeg) if pixels is None else pixels
    eighths = _decoded_at(crop.stored, (pixels.shape[1], pixels.shape[0]))
    box = tuple(edge * eighths / _EIGHTHS for edge in crop.box)
    shown = resample(pixels, (box[0], box[1], box[2], box[3]), crop.size, softened=eighths < _EIGHTHS)
    return shown[:, ::-1] if crop.mirrored else shown


def _decoded_at(stored: Size, decoded: Size) -> int:
    """At how many eighths of its size a picture was decoded."""
    for eighths in range(_EIGHTHS, 0, -1):
        if decoded == tuple(-(-side * eighths // _EIGHTHS) for side in stored):
            return eighths
    raise ValueError(f"the picture is {decoded[0]}x{decoded[1]}, its row says {stored[0]}x{stored[1]}")

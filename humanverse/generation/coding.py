"""Depth and normals as arrays: from the pictures that stage 1 makes, and to the maps that stage 2 is told.

Training shows a network depth as grey and normals as colours (``humanverse.training.pictures``); this is the way back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import cv2
import numpy as np

from humanverse.generation.skeletons import Size

NO_NORMAL = 0.5
"""A vector that is shorter shows no normal: half-way between grey, which stands for none, and a unit vector."""


def depth_of(picture: np.ndarray) -> np.ndarray:
    """Nearness, float32 (height, width) in [0, 1], of float32 (height, width, 3) in [0, 1]: the middle of the three channels."""
    return picture.mean(axis=2, dtype=np.float32)


def normal_of(picture: np.ndarray) -> np.ndarray:
    """Unit vectors, float32 (height, width, 3), of float32 colours in [0, 1]; NaN where they are too grey to show any."""
    vectors = 2 * picture.astype(np.float32) - 1
    length = np.sqrt((vectors * vectors).sum(axis=2, keepdims=True))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(length >= NO_NORMAL, vectors / length, np.float32(np.nan))


def depth_map(depth: np.ndarray, size: Size) -> np.ndarray:
    """What stage 2 is told of a depth: float32 (height, width, 3) in [0, 1], mid grey where there is none."""
    grey = np.nan_to_num(_resized(depth, size), nan=0.5).clip(0, 1)
    return np.repeat(grey[:, :, None], 3, axis=2)


def normal_map(normal: np.ndarray, size: Size) -> np.ndarray:
    """What stage 2 is told of normals: float32 (height, width, 3) in [0, 1], mid grey where there is none."""
    vectors = _resized(normal, size)
    with np.errstate(invalid="ignore", divide="ignore"):
        unit = vectors / np.sqrt((vectors * vectors).sum(axis=2, keepdims=True))
    return np.asarray(np.nan_to_num(unit, nan=0.0) / 2 + 0.5, np.float32)


def colour_map(picture: np.ndarray, size: Size) -> np.ndarray:
    """What stage 2 is told of a uint8 picture: float32 (height, width, 3) in [0, 1]."""
    return _resized(picture.astype(np.float32) / 255, size)


def _resized(values: np.ndarray, size: Size) -> np.ndarray:
    """Averaged where it becomes smaller, else interpolated linearly; NaN wherever a NaN has a part in it."""
    if (values.shape[1], values.shape[0]) == size:
        return values
    shrunk = size[0] < values.shape[1] and size[1] < values.shape[0]
    return cv2.resize(values, size, interpolation=cv2.INTER_AREA if shrunk else cv2.INTER_LINEAR)


def pixels_of(picture: np.ndarray) -> np.ndarray:
    """uint8 of floats in [0, 1]."""
    return np.rint(picture.clip(0, 1) * 255).astype(np.uint8)


TOLD: Mapping[str, Callable[[np.ndarray, Size], np.ndarray]] = {"depth": depth_map, "normal": normal_map}
"""Map -> what stage 2 is told of it; of others ``colour_map``."""

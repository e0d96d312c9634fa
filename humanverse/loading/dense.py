"""Dense maps as training targets: how each kind is decoded, placed and brought to the range of pictures. One entry per kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from humanverse.codec.maps import decode_depth, decode_normal, decode_segmentation
from humanverse.loading.crop import Crop
from humanverse.loading.placing import interpolated, nearest
from schemas.layers import UNKNOWN_LABEL

LOW, HIGH = 0.02, 0.98
"""Shares of a map's depths that may lie beyond -1 and beyond 1."""
_EVERY = 4
"""Of the training picture's rows and columns, those whose depths are counted for ``LOW`` and ``HIGH``."""

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Dense:
    """How maps of one kind become training targets.

    Attributes:
        channels: of the target.
        dtype: of the target.
        place: (png, row, crop) -> the target, (channels, height, width), and bool (height, width), where it is valid. Raises
            ValueError for a damaged map.
        columns: of the layer that ``place`` needs beside those that all maps have.
    """

    channels: int
    dtype: type[np.generic]
    place: Callable[[bytes, Row, Crop], tuple[np.ndarray, np.ndarray]]
    columns: tuple[str, ...] = ()


def _checked(values: np.ndarray, row: Row) -> np.ndarray:
    if values.shape[:2] != (row["map_height"], row["map_width"]):
        said = f"{row['map_width']}x{row['map_height']}"
        raise ValueError(f"the map is {values.shape[1]}x{values.shape[0]}, its row says {said}")
    return values


def _nearness(row: Row) -> Callable[[np.ndarray], np.ndarray]:
    kind = row["depth_kind"]
    if kind not in NEARNESS:
        raise ValueError(f"depth of the kind {kind} is not known")
    return NEARNESS[kind]


def _inverse(depth: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore"):
        return np.where(depth > 0, 1 / depth, np.float32(np.nan))


NEARNESS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "inverse": lambda depth: depth,
    "metric": _inverse,
    "relative": lambda depth: -depth,
}
"""``depth_kind`` -> what grows towards the camera: of metres their inverse, so that what is far takes little of the range."""


def _depth(png: bytes, row: Row, crop: Crop) -> tuple[np.ndarray, np.ndarray]:
    values = _checked(decode_depth(png, row["scale"], row["offset"]), row)
    (near,) = interpolated(_nearness(row)(values), row["map_box"], replace(crop, mirrored=False))
    valid = np.isfinite(near)
    step = -1 if crop.mirrored else 1
    return normalised(near, valid)[None, :, ::step], valid[:, ::step]


def normalised(near: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Nearness from -1, far, to 1, near: linear between the quantiles ``LOW`` and ``HIGH`` of the valid pixels, cut off beyond.

    Quantiles are of every fourth pixel of every fourth row. A flat map, and what is not valid, is 0.

    Args:
        near: float32 (height, width).
        valid: bool (height, width).
    """
    counted = near[::_EVERY, ::_EVERY][valid[::_EVERY, ::_EVERY]]
    counted = counted if counted.size else near[valid]
    low, high = np.quantile(counted, (LOW, HIGH)) if counted.size else (0.0, 0.0)
    if high <= low:
        return np.zeros_like(near)
    scaled = np.clip((near - np.float32(low)) * np.float32(2 / (high - low)) - 1, -1, 1)
    return scaled if valid.all() else np.where(valid, scaled, np.float32(0))


def _normal(png: bytes, row: Row, crop: Crop) -> tuple[np.ndarray, np.ndarray]:
    x, y, z = interpolated(_checked(decode_normal(png), row), row["map_box"], crop)
    length = np.sqrt(x * x + y * y + z * z)
    valid = length > 0
    with np.errstate(invalid="ignore"):
        found = np.stack([(-x if crop.mirrored else x) / length, y / length, z / length])
    if not valid.all():
        found[:, ~valid] = 0
    return found, valid


def _segmentation(png: bytes, row: Row, crop: Crop) -> tuple[np.ndarray, np.ndarray]:
    ids = nearest(_checked(decode_segmentation(png), row), row["map_box"], crop, UNKNOWN_LABEL)
    return ids[None], ids != UNKNOWN_LABEL


DENSE: dict[str, Dense] = {
    "depth": Dense(1, np.float32, _depth, ("depth_kind", "scale", "offset")),
    "normal": Dense(3, np.float32, _normal),
    "segmentation": Dense(1, np.uint8, _segmentation),
}
"""Depth: nearness in [-1, 1] (``normalised``), 0 where there is none. Normals: unit vectors, x right, y up, z to the camera;
0 where there is none; in a mirrored picture x is negated. Segmentation: ids as stored, 255 where nothing is known."""

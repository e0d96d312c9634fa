"""Dense maps as PNG: depth with 16 bits and a scale, normals with 8 bits a channel, parts of people as 8-bit label ids.

How the maps of every dense kind are encoded, also those that are no PNGs, is in ``ENCODERS``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import cv2
import numpy as np

from humanverse.codec.arrays import encode_latent, encode_states
from schemas.layers import UNKNOWN_LABEL

DEPTH_LEVELS = 65534
"""PNG values 1 to 65535 are depths; 0 means that there is none at this pixel."""

_COMPONENTS = np.arange(256, dtype=np.float32) / 127.5 - 1
"""Of a normal, by the level that it is stored as."""

_FLAT = (cv2.IMWRITE_PNG_COMPRESSION, 6, cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE)
"""For maps of flat areas: a quarter smaller than by the library's own settings, in no more time."""


def _png(pixels: np.ndarray, settings: Sequence[int] = ()) -> bytes:
    done, data = cv2.imencode(".png", pixels, list(settings))
    if not done:
        raise ValueError(f"cannot encode a map of shape {pixels.shape}")
    return data.tobytes()


def _pixels(png: bytes, mode: int) -> np.ndarray:
    pixels = cv2.imdecode(np.frombuffer(png, np.uint8), mode)
    if pixels is None:
        raise ValueError("the map is not a PNG")
    return pixels


def encode_depth(depth: np.ndarray) -> tuple[bytes, dict[str, float]]:
    """A depth map as 16-bit PNG.

    Args:
        depth: float (height, width), in the estimator's unit; not finite where there is no depth.

    Returns:
        The PNG and the columns ``scale``, ``offset``, ``minimum``, ``maximum``: depth = offset + scale * (value - 1) for
        every value > 0. The error is at most scale / 2.
    """
    valid = np.isfinite(depth)
    low, high = (float(depth[valid].min()), float(depth[valid].max())) if valid.any() else (0.0, 0.0)
    scale = (high - low) / DEPTH_LEVELS or 1.0
    levels = np.zeros(depth.shape, np.uint16)
    levels[valid] = np.rint((depth[valid] - low) / scale).astype(np.uint16) + 1
    return _png(levels), {"scale": scale, "offset": low, "minimum": low, "maximum": high}


def decode_depth(png: bytes, scale: float, offset: float) -> np.ndarray:
    """float32 (height, width); NaN where there is no depth. Raises ValueError if ``png`` is none."""
    levels = _pixels(png, cv2.IMREAD_UNCHANGED)
    depth = offset + scale * (levels.astype(np.float32) - 1)
    depth[levels == 0] = np.nan
    return depth


def encode_normal(normal: np.ndarray) -> tuple[bytes, dict[str, float]]:
    """A normal map as 8-bit RGB PNG.

    Args:
        normal: float (height, width, 3), unit vectors in camera space: x right, y up, z towards the camera; not finite
            where there is none.

    Returns:
        The PNG, each channel round(127.5 + 127.5 n) clipped to [1, 255], (0, 0, 0) where there is none; and no columns.
    """
    valid = np.isfinite(normal).all(axis=2)
    levels = np.zeros(normal.shape, np.uint8)
    levels[valid] = np.clip(np.rint(127.5 + 127.5 * normal[valid]), 1, 255).astype(np.uint8)
    return _png(levels[:, :, ::-1]), {}


def decode_normal(png: bytes) -> np.ndarray:
    """float32 (height, width, 3) unit vectors; NaN where there is none. Raises ValueError if ``png`` is none."""
    levels = _pixels(png, cv2.IMREAD_COLOR_RGB)
    x, y, z = cv2.split(cv2.LUT(levels, _COMPONENTS))
    length = np.sqrt(x * x + y * y + z * z)
    length[(levels[:, :, 0] | levels[:, :, 1] | levels[:, :, 2]) == 0] = np.nan
    return cv2.merge([x / length, y / length, z / length])


def encode_segmentation(ids: np.ndarray) -> tuple[bytes, dict[str, Any]]:
    """A map of label ids as 8-bit grey PNG, without loss.

    Args:
        ids: integer (height, width), 0 to 254; 255 where nothing is known.

    Returns:
        The PNG and the columns ``labels``, the ids that are there but 255, ascending, and ``label_areas``, their share of all
        pixels.

    Raises:
        ValueError: if it is not a map of such ids.
    """
    if ids.ndim != 2 or not np.issubdtype(ids.dtype, np.integer) or not ids.size:
        raise ValueError(f"label ids are integers (height, width), not {ids.dtype} {list(ids.shape)}")
    if ids.min() < 0 or ids.max() > UNKNOWN_LABEL:
        raise ValueError(f"label ids are 0 to {UNKNOWN_LABEL}, not {ids.min()} to {ids.max()}")
    labels, areas = label_areas(ids)
    return _png(ids.astype(np.uint8), _FLAT), {"labels": labels, "label_areas": areas}


def label_areas(ids: np.ndarray) -> tuple[list[int], list[float]]:
    """The ids in a map but 255, ascending, and the share of all its pixels that each has."""
    labels, counts = np.unique(ids, return_counts=True)
    known = labels != UNKNOWN_LABEL
    return labels[known].tolist(), (counts[known] / ids.size).tolist()


def decode_segmentation(png: bytes) -> np.ndarray:
    """uint8 (height, width), label ids. Raises ValueError if ``png`` is none, or not 8-bit grey."""
    ids = _pixels(png, cv2.IMREAD_UNCHANGED)
    if ids.ndim != 2 or ids.dtype != np.uint8:
        raise ValueError("the map is not an 8-bit grey PNG")
    return ids


ENCODERS: dict[str, Callable[[np.ndarray], tuple[bytes, dict[str, Any]]]] = {
    "depth": encode_depth,
    "normal": encode_normal,
    "segmentation": encode_segmentation,
    "latent": encode_latent,
    "prompt": encode_states,
}

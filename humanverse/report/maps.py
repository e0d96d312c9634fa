"""Dense maps as pictures to look at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import cv2
import numpy as np

from humanverse.codec.maps import decode_depth, decode_normal
from humanverse.report.wording import clean, figure

NOTHING = 128
"""Grey level of pixels for which the map says nothing."""
_TRIMMED = (2, 98)
"""Percentiles of the depths that the colours span."""


def _depth(png: bytes, row: Mapping[str, Any]) -> tuple[np.ndarray, str]:
    depth = decode_depth(png, row["scale"], row["offset"])
    there = np.isfinite(depth)
    levels = np.zeros(depth.shape, np.uint8)
    if there.any():
        low, high = np.percentile(depth[there], _TRIMMED)
        levels[there] = np.clip((depth[there] - low) / ((high - low) or 1) * 255, 0, 255).astype(np.uint8)
    rgb = cv2.applyColorMap(levels, cv2.COLORMAP_INFERNO)[:, :, ::-1].copy()
    rgb[~there] = NOTHING
    span = f"{figure(row['minimum'])} to {figure(row['maximum'])} {clean(row['unit'] or '')}".strip()
    return rgb, f"depth, {clean(row['depth_kind'] or 'kind not stated')}: {span}; brighter is larger"


def _normal(png: bytes, row: Mapping[str, Any]) -> tuple[np.ndarray, str]:
    normal = decode_normal(png)
    there = np.isfinite(normal).all(axis=2)
    rgb = np.full(normal.shape, NOTHING, np.uint8)
    rgb[there] = np.clip(np.rint(127.5 + 127.5 * normal[there]), 0, 255).astype(np.uint8)
    return rgb, "normals: red right, green up, blue towards the camera"


VIEWS: dict[str, Callable[[bytes, Mapping[str, Any]], tuple[np.ndarray, str]]] = {"depth": _depth, "normal": _normal}
"""Per dense kind, a function from a map's PNG and its layer row to uint8 (height, width, 3) sRGB, and a line about it."""

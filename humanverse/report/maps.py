"""Dense maps as pictures to look at."""

from __future__ import annotations

import colorsys
import hashlib
from collections.abc import Callable, Mapping
from typing import Any

import cv2
import numpy as np

from humanverse.codec.maps import decode_depth, decode_normal, decode_segmentation
from humanverse.labels import key_of, people_area
from humanverse.report.draw import Colour
from humanverse.report.wording import clean, figure, percent
from schemas.layers import BACKGROUND_LABEL

NOTHING = 128
"""Grey level of pixels for which the map says nothing."""
_TRIMMED = (2, 98)
"""Percentiles of the depths that the colours span."""
_LIGHT, _STRONG = (0.35, 0.5, 0.65, 0.8), (0.5, 0.95)
"""Lightnesses and saturations of the parts' colours."""
_LEAST_AREA = 0.0005
"""Share of the map from which a part is in the legend."""
_DRAW = 621
"""Of the draws below 4000, the one in which the colours of Sapiens' 28 parts, and of ATR's 17, are farthest apart."""


def span_of(depth: np.ndarray) -> tuple[float, float]:
    """What the colours span of depths, float of any shape; (0, 0) if none is finite."""
    there = depth[np.isfinite(depth)]
    low, high = np.percentile(there, _TRIMMED) if len(there) else (0.0, 0.0)
    return float(low), float(high)


def depth_colours(depth: np.ndarray, span: tuple[float, float]) -> np.ndarray:
    """Depths, float (height, width), NaN for none, as uint8 (height, width, 3) sRGB: larger is brighter, grey is none.

    Args:
        span: depths of the darkest and of the brightest colour; what is beyond has theirs.
    """
    there = np.isfinite(depth)
    levels = np.zeros(depth.shape, np.uint8)
    low, high = span
    levels[there] = np.clip((depth[there] - low) / ((high - low) or 1) * 255, 0, 255).astype(np.uint8)
    rgb = cv2.applyColorMap(levels, cv2.COLORMAP_INFERNO)[:, :, ::-1].copy()
    rgb[~there] = NOTHING
    return rgb


def _depth(png: bytes, row: Mapping[str, Any]) -> tuple[np.ndarray, str]:
    depth = decode_depth(png, row["scale"], row["offset"])
    rgb = depth_colours(depth, span_of(depth))
    span = f"{figure(row['minimum'])} to {figure(row['maximum'])} {clean(row['unit'] or '')}".strip()
    return rgb, f"depth, {clean(row['depth_kind'] or 'kind not stated')}: {span}; brighter is larger"


def _normal(png: bytes, row: Mapping[str, Any]) -> tuple[np.ndarray, str]:
    normal = decode_normal(png)
    there = np.isfinite(normal).all(axis=2)
    rgb = np.full(normal.shape, NOTHING, np.uint8)
    rgb[there] = np.clip(np.rint(127.5 + 127.5 * normal[there]), 0, 255).astype(np.uint8)
    return rgb, "normals: red right, green up, blue towards the camera"


def colour_of(name: str) -> Colour:
    """sRGB of a part of people: the same for a name whatever its id, and however it is written."""
    drawn = hashlib.sha256(f"{_DRAW} {key_of(name)}".encode()).digest()
    light, strong = _LIGHT[drawn[2] % len(_LIGHT)], _STRONG[drawn[3] % len(_STRONG)]
    red, green, blue = colorsys.hls_to_rgb(int.from_bytes(drawn[:2]) / 65536, light, strong)
    return round(255 * red), round(255 * green), round(255 * blue)


def _parts(row: Mapping[str, Any]) -> list[tuple[int, str, float]]:
    """Id, name and share of the map of each part, the largest first; without the background."""
    parts = zip(row["labels"], row["label_names"], row["label_areas"], strict=True)
    return sorted((part for part in parts if part[0] != BACKGROUND_LABEL), key=lambda part: -part[2])


def _segmentation(png: bytes, row: Mapping[str, Any]) -> tuple[np.ndarray, str]:
    colours = np.full((256, 3), NOTHING, np.uint8)
    colours[BACKGROUND_LABEL] = 0
    for label, name, _ in _parts(row):
        colours[label] = colour_of(name)
    return colours[decode_segmentation(png)], f"parts of people; {percent(people_area(row))} of the picture"


def _parts_legend(row: Mapping[str, Any]) -> list[tuple[Colour, str]]:
    shown = [(name, area) for _, name, area in _parts(row) if area >= _LEAST_AREA]
    return [(colour_of(name), f"{clean(name)} {percent(area)}") for name, area in shown]


VIEWS: dict[str, Callable[[bytes, Mapping[str, Any]], tuple[np.ndarray, str]]] = {
    "depth": _depth,
    "normal": _normal,
    "segmentation": _segmentation,
}
"""Per dense kind, a function from a map's PNG and its layer row to uint8 (height, width, 3) sRGB, and a line about it."""
LEGENDS: dict[str, Callable[[Mapping[str, Any]], list[tuple[Colour, str]]]] = {"segmentation": _parts_legend}
"""Per dense kind whose colours need words, a function from a layer row to (sRGB, words)."""


def legend(kind: str, row: Mapping[str, Any]) -> list[tuple[Colour, str]]:
    """(sRGB, words) of the colours in the view of a dense kind; none where they speak for themselves."""
    return LEGENDS[kind](row) if kind in LEGENDS else []

"""A picture with its maps and whom it is to show."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np


@dataclass(frozen=True, eq=False)
class Pictured:
    """A square picture that is to show one person.

    Attributes:
        name: unlike any other's.
        rgb: uint8 (side, side, 3).
        depth: float32 (side, side), nearness: 1 / depth with any scale above 0 and any offset; NaN where there is none.
        normal: float32 (side, side, 3), x right, y up, z to the camera; NaN where there is none.
        points: float64 (133, 3), the person: x, y in its pixels, confidence.
        box: float64 (4,), of the person, x0, y0, x1, y1 in its pixels.
        area: of the person, in its pixels.
    """

    name: str
    rgb: np.ndarray
    depth: np.ndarray
    normal: np.ndarray
    points: np.ndarray
    box: np.ndarray
    area: float


def enlarged(shown: Pictured, side: int) -> Pictured:
    """All of it in ``side`` x ``side`` pixels, smooth between the middles of its own."""
    return replace(
        with_maps(shown, cv2.resize(shown.rgb, (side, side), interpolation=cv2.INTER_CUBIC)), name=shown.name
    )


def with_maps(shown: Pictured, rgb: np.ndarray) -> Pictured:
    """Another picture, uint8 (side, side, 3), with the maps and the person of ``shown`` in its size."""
    side = rgb.shape[0]
    scale = side / shown.rgb.shape[0]
    depth, normal = (
        cv2.resize(values, (side, side), interpolation=cv2.INTER_LINEAR) for values in (shown.depth, shown.normal)
    )
    points = shown.points * [scale, scale, 1]
    return Pictured(f"{shown.name}-{side}", rgb, depth, normal, points, shown.box * scale, shown.area * scale**2)


def mixed(person: Pictured, rgb: Pictured, depth: Pictured) -> Pictured:
    """Person and normals of one, the picture of a second, the depth of a third: nothing belongs together."""
    return replace(person, name=f"{person.name}-{rgb.name}", rgb=rgb.rgb, depth=depth.depth)

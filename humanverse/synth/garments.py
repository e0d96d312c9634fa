"""Where garments and hair are on a body, as fields over its vertices, and how far they stand off it.

A field is positive inside the garment and about the distance to its edge in metres, so that an edge is a smooth line between
vertices. What lies under a garment is first smoothed, since cloth does not follow every form, then moved outwards along its
normals by as much as smoothing has shrunk it thereabouts, and by the garment's ease.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from humanverse.synth.hair import Hair
from humanverse.synth.meshes import vertex_normals
from humanverse.synth.outfits import Outfit
from humanverse.synth.regions import Regions

FIELDS = ("upper", "lower", "shoes", "socks", "hair", "lips", "brows", "eye")
"""Columns of the fields that rays are told of; ``eye`` is the cosine of the angle to the gaze, below 0 elsewhere."""
WAIST = 0.12
"""Height of the waist above the pelvis of the reference body, metres."""
_UPPER_ARM, _THIGH = 0.28, 0.42
"""Metres of one step along arm and leg."""
_EDGE = 0.02
"""Metres over which a garment rises from the skin to its full distance."""


@dataclass(frozen=True)
class Worn:
    """Attributes:
    fields: float32 (VERTICES, len(FIELDS)).
    tucked: whether the lower garment covers the upper one.
    """

    fields: np.ndarray
    tucked: bool


def worn(regions: Regions, outfit: Outfit, hair: Hair, face: np.ndarray) -> Worn:
    """The fields of what somebody wears.

    Args:
        face: float (VERTICES, 2), the fields of lips and brows.
    """
    waist = WAIST + regions.rest[:, 2] * 0
    height = regions.rest[:, 2]
    front = np.clip(-regions.rest[:, 1] * 6 + 0.3, 0, 1)
    collar = -outfit.neck[0] - outfit.neck[1] * front - regions.neck_height + 0.35 * regions.rest[:, 1]
    sleeve = np.where(regions.limb > 0, (outfit.top.length - regions.arm) * _UPPER_ARM, 1.0)
    hem = height - (waist - outfit.hem) + regions.limb
    upper = np.minimum(np.minimum(hem, collar), sleeve) - regions.head
    leg = np.where(regions.thigh > 0, (outfit.bottom.length - regions.leg) * _THIGH, 1.0)
    lower = np.minimum(waist - height, leg) - regions.limb
    shoes = (regions.leg - outfit.shoes.length) * _THIGH
    socks = (regions.leg - outfit.socks) * _THIGH
    fields = [upper, lower, shoes, socks, hair.field(regions), face[:, 0], face[:, 1], regions.eye]
    return Worn(np.stack(fields, axis=1).astype(np.float32), outfit.tucked)


def dressed(
    vertices: np.ndarray, faces: np.ndarray, regions: Regions, outfit: Outfit, hair: Hair, on: Worn
) -> np.ndarray:
    """float64 (VERTICES, 3): the body with its clothes and hair on.

    Args:
        vertices: of the posed body.
    """
    layers = (
        (on.fields[:, 3], 0.002, 2),
        (on.fields[:, 1], outfit.bottom.ease, outfit.bottom.folds),
        (on.fields[:, 0], outfit.top.ease + (0.0 if outfit.tucked else 0.3 * outfit.bottom.ease), outfit.top.folds),
        (on.fields[:, 2], outfit.shoes.ease, outfit.shoes.folds),
        (on.fields[:, 4], hair.thickness, hair.smoothing),
    )
    made = vertices
    for field, ease, folds in layers:
        made = _covered(made, faces, regions.smooth, field, ease, folds)
    return made


def _covered(
    vertices: np.ndarray, faces: np.ndarray, smooth: sparse.csr_matrix, field: np.ndarray, ease: float, folds: int
) -> np.ndarray:
    here = np.flatnonzero(field > 0)
    if not len(here):
        return vertices
    around = faces[(field > 0)[faces].any(axis=1)]
    rows = smooth[here]
    beside = np.setdiff1d(rows.indices, here)
    step, inside = rows[:, np.concatenate([here, beside])], slice(0, len(here))
    flowing = np.concatenate([vertices[here], vertices[beside]]).astype(np.float32)
    rise = np.clip(field[here] / _EDGE, 0, 1)[:, None].astype(np.float32)
    for _ in range(folds):
        flowing[inside] += rise * (step @ flowing - flowing[inside])
    made = vertices.copy()
    made[here] = flowing[inside]
    sunk = np.zeros((len(flowing), 1), np.float32)
    sunk[inside, 0] = ((vertices[here] - made[here]) * vertex_normals(vertices, around)[here]).sum(axis=1)
    for _ in range(folds):
        sunk[inside] += rise * (step @ sunk - sunk[inside])
    normals = vertex_normals(made, around)[here]
    made[here] += normals * (ease + sunk[inside]) * (rise * (2 - rise))
    return made

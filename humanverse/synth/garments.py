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


def dressed(vertices: np.ndarray, regions: Regions, outfit: Outfit, hair: Hair, on: Worn) -> np.ndarray:
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
        made = _covered(made, regions, field, ease, folds)
    return made


def _covered(vertices: np.ndarray, regions: Regions, field: np.ndarray, ease: float, folds: int) -> np.ndarray:
    inside = field > 0
    here = np.flatnonzero(inside)
    if not len(here):
        return vertices
    step, beside = _steps(regions.smooth, here)
    facets, own = regions.facets.at(inside), slice(0, len(here))
    flowing = np.concatenate([vertices[here], vertices[beside]]).astype(np.float32)
    rise = np.clip(field[here] / _EDGE, 0, 1)[:, None].astype(np.float32)
    for _ in range(folds):
        flowing[own] += rise * (step @ flowing - flowing[own])
    made = vertices.copy()
    made[here] = flowing[own]
    sunk = np.zeros((len(flowing), 1), np.float32)
    sunk[own, 0] = ((vertices[here] - made[here]) * facets.normals(vertices)).sum(axis=1)
    for _ in range(folds):
        sunk[own] += rise * (step @ sunk - sunk[own])
    made[here] += facets.normals(made) * (ease + sunk[own]) * (rise * (2 - rise))
    return made


def _steps(smooth: sparse.csr_matrix, here: np.ndarray) -> tuple[sparse.csr_matrix, np.ndarray]:
    """The rows of ``smooth`` at the vertices ``here``, with columns for these and for their neighbours alone; the latter."""
    rows = smooth[here]
    found = np.zeros(smooth.shape[1], bool)
    found[rows.indices] = True
    found[here] = False
    beside = np.flatnonzero(found)
    column = np.empty(smooth.shape[1], rows.indices.dtype)
    column[here], column[beside] = np.arange(len(here)), np.arange(len(here), len(here) + len(beside))
    shape = (len(here), len(here) + len(beside))
    return sparse.csr_matrix((rows.data, column[rows.indices], rows.indptr), shape=shape), beside

"""A finer mesh where the body's is coarse: large faces become four, rounded, so that depth follows normals.

The middle of an edge is lifted as in Phong tessellation (Boubekeur and Alexa, SIGGRAPH Asia 2008): to the mean of its
projections onto the tangent planes of the two ends, by 3/4. Edges between a large and a small face stay straight.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from humanverse.synth import body
from humanverse.synth.meshes import Facets
from humanverse.synth.regions import regions

_COARSE = 0.012
"""Metres: a face with a longer side becomes four."""
_LIFT = 0.75


@dataclass(frozen=True)
class Tessellation:
    """Attributes:
    faces: int32 (m, 3).
    ends: int (k, 2), the edges in whose middle there is a new vertex; the body's own vertices come first.
    lifted: bool (k,), whether the middle is lifted.
    part: int8 (VERTICES + k,), index into ``PARTS``.
    """

    faces: np.ndarray
    ends: np.ndarray
    lifted: np.ndarray
    part: np.ndarray
    facets: Facets

    def values(self, given: np.ndarray) -> np.ndarray:
        """Values of the body's vertices (VERTICES, ...) -> of all vertices; those in the middle have the mean of the ends."""
        return np.concatenate([given, 0.5 * (given[self.ends[:, 0]] + given[self.ends[:, 1]])])

    def vertices(self, given: np.ndarray, normals: np.ndarray) -> np.ndarray:
        """Places of all vertices, float64 (n, 3), from places and unit normals of the body's vertices."""
        a, b = self.ends.T
        middle = 0.5 * (given[a] + given[b])
        onto = [
            middle - ((middle - given[end]) * normals[end]).sum(axis=1, keepdims=True) * normals[end] for end in (a, b)
        ]
        lift = (0.5 * (onto[0] + onto[1]) - middle) * (_LIFT * self.lifted[:, None])
        return np.concatenate([given, middle + lift])


@lru_cache(maxsize=1)
def tessellation() -> Tessellation:
    """That of the body's mesh; computed once in a process."""
    faces, part = body.load().faces, regions().part
    corners = regions().rest[faces]
    coarse = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max(axis=1) > _COARSE
    split, kept = faces[coarse], faces[~coarse]
    edges = np.sort(split[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    ends, number, count = np.unique(edges, axis=0, return_inverse=True, return_counts=True)
    ab, bc, ca = (number.reshape(-1, 3) + len(part)).T
    a, b, c = split.T
    fine = [np.stack(three, axis=1) for three in ((a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca))]
    made = np.concatenate([kept, *fine]).astype(np.int32)
    parts = np.concatenate([part, part[ends[:, 0]]])
    return Tessellation(made, ends, count == 2, parts, Facets(made, len(parts)))

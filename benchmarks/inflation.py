"""The classical way from a silhouette to a shape: inflate it like a balloon.

The height h over the picture's plane solves Laplace(h²) = -4 inside the silhouette with h = 0 on its edge, so that a disc becomes
half a ball. Seen from straight ahead the depth is -h, and the normal is along (-dh/dx, -dh/dy, 1). It knows nothing of who stands
before whom.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import spsolve

STEEPEST = 0.25
"""Pixels: added to the height under the root, whose slope has no end at the edge."""


def heights(silhouette: np.ndarray) -> np.ndarray:
    """float64 (height, width): the inflated height in pixels, 0 outside.

    Args:
        silhouette: bool (height, width).
    """
    padded = np.pad(silhouette, 1)
    number = np.full(padded.shape, -1)
    number[padded] = np.arange(padded.sum())
    here = number[padded]
    made = np.zeros(padded.shape)
    if len(here):
        made[padded] = np.sqrt(np.maximum(spsolve(_laplacian(number, padded), np.full(len(here), 4.0)), 0))
    return made[1:-1, 1:-1]


def _laplacian(number: np.ndarray, inside: np.ndarray) -> sparse.csc_matrix:
    """Minus the five-point Laplacian over the numbered pixels; pixels outside are 0."""
    count = int(inside.sum())
    rows, columns = [np.arange(count)], [np.arange(count)]
    values = [np.full(count, 4.0)]
    for shift, axis in ((1, 0), (-1, 0), (1, 1), (-1, 1)):
        beside = np.roll(number, shift, axis)[inside]
        there = beside >= 0
        rows.append(np.flatnonzero(there))
        columns.append(beside[there])
        values.append(np.full(int(there.sum()), -1.0))
    return sparse.csc_matrix((np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), (count, count))


def inflated(silhouette: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Depth (height, width), relative and larger where farther, and normals (3, height, width), x right, y up, z to the camera.

    Args:
        silhouette: bool (height, width).
    """
    height = np.sqrt(heights(silhouette) ** 2 + STEEPEST)
    down, right = np.gradient(height)
    normal = np.stack([-right, down, np.ones_like(height)])
    return -height, normal / np.linalg.norm(normal, axis=0)

"""Triangle meshes: their normals, and the simple solids that furniture is made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from humanverse.synth.rotations import unit


@dataclass(frozen=True)
class Mesh:
    """Attributes:
    vertices: float64 (n, 3).
    faces: int32 (m, 3), counter-clockwise seen from outside.
    """

    vertices: np.ndarray
    faces: np.ndarray


def vertex_normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """float64 (n, 3): the mean of the normals of the faces around each vertex, weighted by their areas."""
    a, b, c = (vertices[corner] for corner in faces.T)
    normals = _crossed(b - a, c - a)
    sums = [np.bincount(faces.ravel(), np.repeat(axis, 3), len(vertices)) for axis in normals.T]
    return unit(np.stack(sums, axis=1))


class Facets:
    """The faces of meshes that differ in the places of their vertices alone: quicker normals, the same to the bit.

    Args:
        faces: int32 (m, 3).
        vertices: how many.
    """

    def __init__(self, faces: np.ndarray, vertices: int) -> None:
        self._corners = [np.ascontiguousarray(corner, np.intp) for corner in faces.T]
        ends = (faces.ravel(), np.repeat(np.arange(len(faces)), 3))
        self._around = sparse.csr_matrix((np.ones(faces.size), ends), shape=(vertices, len(faces)))
        self._around.sort_indices()  # sums are added in the order of the faces

    def normals(self, vertices: np.ndarray) -> np.ndarray:
        """As ``vertex_normals``."""
        a, b, c = (vertices.take(corner, axis=0) for corner in self._corners)
        return unit(self._around @ _crossed(b - a, c - a))

    def at(self, inside: np.ndarray) -> Facets:
        """Those faces that touch vertices ``inside``, bool (n,): ``normals`` are then of these vertices, in their order."""
        one, other, third = self._corners
        kept = np.flatnonzero(inside[one] | inside[other] | inside[third])
        number = np.empty(self._around.shape[1], self._around.indices.dtype)
        number[kept] = np.arange(len(kept))
        rows = self._around[np.flatnonzero(inside)]
        made = object.__new__(Facets)
        made._corners = [corner[kept] for corner in self._corners]
        shape = (rows.shape[0], len(kept))
        made._around = sparse.csr_matrix((rows.data, number[rows.indices], rows.indptr), shape=shape)
        return made


def _crossed(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The cross products of vectors (n, 3); quicker than NumPy's for many."""
    (x, y, z), (u, v, w) = a.T, b.T
    return np.stack([y * w - z * v, z * u - x * w, x * v - y * u], axis=1)


def box(low: np.ndarray, high: np.ndarray, degrees: float = 0.0) -> Mesh:
    """A box with its sides along the axes, turned about its vertical middle line; each side has corners of its own."""
    quads = ((0, 2, 3, 1), (4, 5, 7, 6), (0, 1, 5, 4), (2, 6, 7, 3), (0, 4, 6, 2), (1, 3, 7, 5))
    corners = np.array(
        [[(low, high)[x][0], (low, high)[y][1], (low, high)[z][2]] for z in (0, 1) for y in (0, 1) for x in (0, 1)]
    )
    corners = _turned(np.asarray(corners, np.float64), degrees)
    vertices = corners[np.array(quads).ravel()]
    starts = 4 * np.arange(6)[:, None]
    faces = np.concatenate([starts + np.array([0, 1, 2]), starts + np.array([0, 2, 3])])
    return Mesh(vertices, faces.astype(np.int32))


def cylinder(middle: np.ndarray, radius: float, height: float, sides: int = 32) -> Mesh:
    """An upright cylinder on ``middle``, closed above."""
    angle = np.linspace(0, 2 * np.pi, sides, endpoint=False)
    ring = np.stack([np.cos(angle) * radius, np.sin(angle) * radius, np.zeros(sides)], axis=1)
    top = ring + np.array([0, 0, height])
    vertices = np.concatenate([ring, top, top, [[0, 0, height]]]) + middle
    here = np.arange(sides)
    after = np.roll(here, -1)
    wall = np.concatenate([np.stack([here, after, after + sides], 1), np.stack([here, after + sides, here + sides], 1)])
    lid = np.stack([here + 2 * sides, after + 2 * sides, np.full(sides, 3 * sides)], axis=1)
    return Mesh(vertices, np.concatenate([wall, lid]).astype(np.int32))


def rectangle(corner: np.ndarray, one: np.ndarray, other: np.ndarray) -> Mesh:
    """A flat quadrilateral with ``corner`` and the sides ``one`` and ``other``; its front is where they turn left."""
    vertices = np.array([corner, corner + one, corner + one + other, corner + other], np.float64)
    return Mesh(vertices, np.array([[0, 1, 2], [0, 2, 3]], np.int32))


def _turned(points: np.ndarray, degrees: float) -> np.ndarray:
    middle = points.mean(axis=0)
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turn = np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]])
    return np.asarray((points - middle) @ turn.T + middle)

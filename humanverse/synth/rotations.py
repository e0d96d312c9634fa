"""Rotations as 3 × 3 matrices, float64, that act on column vectors."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

_EYE = np.eye(3)


def unit(vector: npt.ArrayLike) -> np.ndarray:
    """float64 (..., 3) of length 1; zeros stay zeros."""
    given = np.asarray(vector, np.float64)
    return np.asarray(given / np.maximum(np.linalg.norm(given, axis=-1, keepdims=True), 1e-12))


def cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The cross product of two vectors (3,): what ``numpy.cross`` gives, in a tenth of the time."""
    (x, y, z), (u, v, w) = a.tolist(), b.tolist()
    return np.array([y * w - z * v, z * u - x * w, x * v - y * u])


def _direction(vector: npt.ArrayLike) -> np.ndarray:
    """``unit`` of one vector, the same to the bit."""
    x, y, z = np.asarray(vector, np.float64).tolist()
    length = max(math.sqrt(x * x + y * y + z * z), 1e-12)
    return np.array([x / length, y / length, z / length])


def about(axis: npt.ArrayLike, degrees: float) -> np.ndarray:
    """The rotation about ``axis``, right-handed (Rodrigues' formula)."""
    x, y, z = _direction(axis).tolist()
    across = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    angle = np.radians(degrees)
    return np.asarray(_EYE + np.sin(angle) * across + (1 - np.cos(angle)) * (across @ across))


def shortest(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """The smallest rotation that takes the direction ``start`` to ``end``; about any fitting axis where they are opposite."""
    a, b = _direction(start), _direction(end)
    axis = cross(a, b)
    if np.linalg.norm(axis) < 1e-9:
        if a @ b > 0:
            return np.eye(3)
        axis = cross(a, np.array([1.0, 0.0, 0.0] if abs(a[0]) < 0.9 else [0.0, 1.0, 0.0]))
    return about(axis, float(np.degrees(np.arctan2(np.linalg.norm(cross(a, b)), a @ b))))


def part_of(rotation: np.ndarray, share: float) -> np.ndarray:
    """The rotation about the same axis by ``share`` of the angle, for angles below 180°."""
    angle = np.arccos(np.clip((np.trace(rotation) - 1) / 2, -1.0, 1.0))
    axis = np.array([rotation[2, 1] - rotation[1, 2], rotation[0, 2] - rotation[2, 0], rotation[1, 0] - rotation[0, 1]])
    if angle < 1e-9 or np.linalg.norm(axis) < 1e-9:
        return np.eye(3)
    return about(axis, float(np.degrees(angle)) * share)


def frame(along: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """(3, 3): an orthonormal basis in columns, the first ``along``, the second in the direction of ``normal``."""
    first = _direction(along)
    second = _direction(normal - first * (normal @ first))
    return np.array([first, second, cross(first, second)]).T.copy()

"""Rotations as 3 × 3 matrices, float64, that act on column vectors."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def unit(vector: npt.ArrayLike) -> np.ndarray:
    """float64 (..., 3) of length 1; zeros stay zeros."""
    given = np.asarray(vector, np.float64)
    return np.asarray(given / np.maximum(np.linalg.norm(given, axis=-1, keepdims=True), 1e-12))


def about(axis: npt.ArrayLike, degrees: float) -> np.ndarray:
    """The rotation about ``axis``, right-handed (Rodrigues' formula)."""
    x, y, z = unit(axis)
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    angle = np.radians(degrees)
    return np.asarray(np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * (cross @ cross))


def shortest(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """The smallest rotation that takes the direction ``start`` to ``end``; about any fitting axis where they are opposite."""
    a, b = unit(start), unit(end)
    axis = np.cross(a, b)
    if np.linalg.norm(axis) < 1e-9:
        if a @ b > 0:
            return np.eye(3)
        axis = np.cross(a, [1.0, 0.0, 0.0] if abs(a[0]) < 0.9 else [0.0, 1.0, 0.0])
    return about(axis, float(np.degrees(np.arctan2(np.linalg.norm(np.cross(a, b)), a @ b))))


def part_of(rotation: np.ndarray, share: float) -> np.ndarray:
    """The rotation about the same axis by ``share`` of the angle, for angles below 180°."""
    angle = np.arccos(np.clip((np.trace(rotation) - 1) / 2, -1.0, 1.0))
    axis = np.array([rotation[2, 1] - rotation[1, 2], rotation[0, 2] - rotation[2, 0], rotation[1, 0] - rotation[0, 1]])
    if angle < 1e-9 or np.linalg.norm(axis) < 1e-9:
        return np.eye(3)
    return about(axis, float(np.degrees(angle)) * share)


def frame(along: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """(3, 3): an orthonormal basis in columns, the first ``along``, the second in the direction of ``normal``."""
    first = unit(along)
    second = unit(normal - first * (normal @ first))
    return np.column_stack([first, second, np.cross(first, second)])

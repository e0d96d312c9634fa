"""The face on the mesh: the 68 points that are annotated, and where lips and brows are."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from humanverse.synth.regions import regions

VERTICES_68: tuple[int, ...] = (
    870, 269, 5230, 5226, 735, 5282, 5210, 5206, 5155, 11800, 11803, 11871, 7439, 11819, 11822, 7022, 7559,
    255, 225, 224, 205, 208, 6967, 6964, 6982, 6983, 7008,
    133, 5047, 201, 294, 381, 313, 317, 7060, 7125,
    4839, 4833, 55, 69, 47, 1068, 6837, 6823, 11435, 11441, 7744, 6815,
    412, 5338, 456, 466, 7199, 11924, 7156, 7216, 7229, 496, 490, 477,
    413, 462, 468, 7205, 7157, 7263, 523, 534,
)  # fmt: skip
"""The vertex of each of the 68 points. Found once: six faces of the model, women and men, were rendered from the front,
MediaPipe's face mesh was run on the pictures, and the vertices nearest on average to where its points lie on the surface were
taken, mirror images of each other on the two sides."""
_BROWS = (range(17, 22), range(22, 27))
_MOUTH = range(48, 60)
_BROW_WIDTH = 0.0045
"""Half of it, metres."""


@lru_cache(maxsize=1)
def face_fields() -> np.ndarray:
    """float64 (VERTICES, 2): fields of lips and brows, positive on them, about metres to their edge."""
    where = regions()
    points = where.rest[list(VERTICES_68)]
    front = (where.head > 0.9) & (where.rest[:, 1] < points[_MOUTH, 1].max() + 0.06)
    flat = where.rest[:, [0, 2]]
    mouth = points[_MOUTH][:, [0, 2]]
    lips = _inside(flat, mouth) * np.min([_to_segment(flat, *ends) for ends in _sides(mouth)], axis=0)
    brows = [points[list(brow)][:, [0, 2]] for brow in _BROWS]
    away = [_to_segment(flat, brow[i], brow[i + 1]) for brow in brows for i in range(len(brow) - 1)]
    hair = _BROW_WIDTH - np.min(away, axis=0)
    return np.where(front[:, None], np.stack([lips, hair], axis=1), -1.0)


def _sides(polygon: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    return list(zip(polygon, np.roll(polygon, -1, axis=0), strict=True))


def _to_segment(points: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Distances of points (n, 2) to a segment."""
    way = end - start
    share = np.clip((points - start) @ way / (way @ way), 0, 1)
    return np.asarray(np.linalg.norm(points - start - share[:, None] * way, axis=1))


def _inside(points: np.ndarray, polygon: np.ndarray) -> np.ndarray:
    """1 for points (n, 2) inside, -1 outside, by how often a ray to the right crosses the sides."""
    crossings = np.zeros(len(points), int)
    for (x0, y0), (x1, y1) in _sides(polygon):
        spans = (y0 > points[:, 1]) != (y1 > points[:, 1])
        at = x0 + (points[:, 1] - y0) * (x1 - x0) / (y1 - y0 if y1 != y0 else 1e-12)
        crossings += spans & (points[:, 0] < at)
    return np.where(crossings % 2, 1.0, -1.0)

"""The camera: a pinhole with square pixels, somewhere in front of people."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from humanverse.synth.randomness import Rng, between, normal, pick
from humanverse.synth.rotations import about, unit

FRAMINGS = {"full": 5.0, "knees": 1.6, "waist": 1.4}
"""What of the people fills the picture, and how often: from the feet, the knees, the waist upwards."""
_FROM = {"full": 0.0, "knees": 0.27, "waist": 0.52}
"""Where a framing begins, as a share of the people's height."""


@dataclass(frozen=True)
class Camera:
    """World frame: z up, metres.

    Attributes:
        place: float64 (3,).
        axes: float64 (3, 3), rows: right, down and ahead of the camera, in the world.
        focal: focal length in pixels.
        centre: (x, y) of the principal point in pixels.
    """

    place: np.ndarray
    axes: np.ndarray
    focal: float
    centre: tuple[float, float]

    @property
    def layer_axes(self) -> np.ndarray:
        """Rows: right, up, to the camera: the frame of normal layers, in the world."""
        return np.asarray(self.axes * np.array([[1.0], [-1.0], [-1.0]]))

    @property
    def matrix(self) -> np.ndarray:
        """Intrinsics, float64 (3, 3): pixel = K (right, down, ahead) / ahead."""
        return np.array([[self.focal, 0, self.centre[0]], [0, self.focal, self.centre[1]], [0, 0, 1.0]])

    @property
    def pitch(self) -> float:
        """Degrees by which it looks up."""
        return float(np.degrees(np.arcsin(np.clip(self.axes[2, 2], -1, 1))))

    def project(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """World points, float64 (..., 3) -> pixels (..., 2) and depths along the optical axis (...) in metres."""
        seen = (points - self.place) @ self.axes.T
        depth = seen[..., 2]
        safe = np.where(np.abs(depth) < 1e-6, 1e-6, depth)
        return seen[..., :2] / safe[..., None] * self.focal + np.array(self.centre), depth


def draw(rng: Rng, size: int, low: np.ndarray, high: np.ndarray) -> tuple[Camera, str]:
    """A camera that sees people who fill the box from ``low`` to ``high``, and how they are framed.

    Args:
        size: of the square picture, in pixels.
        low, high: float64 (3,), in the world; the camera is on the side of negative y.
    """
    framing = pick(rng, FRAMINGS)
    fov = np.radians(np.exp(rng.uniform(np.log(24), np.log(68))))
    focal = size / 2 / np.tan(fov / 2)
    bottom = low[2] + _FROM[framing] * (high[2] - low[2])
    aim = np.array([0.5 * (low[0] + high[0]), 0.5 * (low[1] + high[1]), 0.5 * (bottom + high[2])])
    extent = max(high[2] - bottom, (high[0] - low[0]) * (1.0 if framing == "full" else 0.8))
    filled = between(rng, 0.68, 0.96) if framing == "full" else between(rng, 0.95, 1.1)
    distance = max(extent / (2 * np.tan(fov / 2) * filled) + 0.5 * (high[1] - low[1]), 0.9)
    rise = normal(rng, 4, 11, -12, 38)
    place = aim + distance * (about([0, 0, 1], between(rng, -14, 14)) @ about([1, 0, 0], -rise) @ [0.0, -1.0, 0.0])
    place[2] = max(place[2], 0.25)
    off = rng.uniform(-1, 1, 3) * np.array([0.09, 0.0, 0.06]) * extent
    return Camera(
        place, looking(place, aim + off, normal(rng, 0, 1.5, -5, 5)), float(focal), (size / 2, size / 2)
    ), framing


def looking(place: np.ndarray, at: np.ndarray, roll: float = 0.0) -> np.ndarray:
    """Axes of a camera that looks from ``place`` to ``at``, upright but for ``roll`` degrees about its own axis."""
    ahead = unit(at - place)
    right = unit(np.cross(ahead, [0.0, 0.0, 1.0]))
    down = np.cross(ahead, right)
    turn = about(ahead, roll)
    return np.stack([turn @ right, turn @ down, ahead])

"""Big toes and heels by MediaPipe's pose network (BlazePose). It has no small toes.

BlazePose looks at one person and is easily drawn to a neighbour, so that a foot counts only where its ankle agrees with
MoveNet's, and is moved by what the two ankles differ.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from annotators import archives
from annotators.engines import TfLite
from annotators.pose.crops import Window, cut
from annotators.weights import Choice, as_pinned, obtain
from schemas.skeletons import BODY, WHOLEBODY

MODEL = archives.mediapipe(
    "pose_landmark/pose_landmark_full.tflite",
    "e9a5c5cb17f736fafd4c2ec1da3b3d331d6edbe8a0d32395855aeb2cdfd64b9f",
    6440512,
)

_SIDE = 256
_SEEN = 0.2
_MIN_PERSON = 0.5
_AGREE = 0.3
"""How far the two ankles may lie apart, in lengths of the shin."""


@dataclass(frozen=True)
class _Foot:
    """One foot: BlazePose's indices of its points, and the body points of its shin."""

    ankle: int
    toe: int
    heel: int
    side: str

    @property
    def slots(self) -> list[int]:
        return [WHOLEBODY.index(f"{self.side}_{part}") for part in ("big_toe", "heel")]


_FEET = (_Foot(ankle=27, toe=31, heel=29, side="left"), _Foot(ankle=28, toe=32, heel=30, side="right"))


def person_window(body: np.ndarray) -> Window | None:
    """The window that BlazePose expects: around the hips, upright along the trunk, 1.25 times the circle that holds the person.

    None where hips or shoulders are not seen, or no ankle is.

    Args:
        body: float (17, 3): x, y in pixels, confidence.
    """
    named = {name: body[BODY.index(name)] for name in BODY}
    trunk = [named[f"{side}_{part}"] for part in ("hip", "shoulder") for side in ("left", "right")]
    ankles = [named["left_ankle"], named["right_ankle"]]
    if min(point[2] for point in trunk) < _SEEN or max(point[2] for point in ankles) < _SEEN:
        return None
    hips = (trunk[0] + trunk[1])[:2] / 2
    up = (trunk[2] + trunk[3])[:2] / 2 - hips
    seen = body[body[:, 2] >= _SEEN, :2]
    radius = 1.15 * float(np.linalg.norm(seen - hips, axis=1).max())
    return Window(float(hips[0]), float(hips[1]), 2 * 1.25 * radius, float(np.arctan2(up[0], -up[1])))


class FeetEstimator:
    """BlazePose, loaded, for the sake of its feet."""

    slots = [slot for foot in _FEET for slot in foot.slots]
    weights = (MODEL,)

    def __init__(self, weight: Choice = as_pinned) -> None:
        self._model = TfLite(obtain(weight(MODEL)))

    def points(self, rgb: np.ndarray, body: np.ndarray) -> np.ndarray | None:
        """float (4, 3): left big toe and heel, right big toe and heel: x, y in pixels of the picture, confidence.

        A foot that does not agree with the body has zeros. None where the network saw no person.

        Args:
            rgb: uint8 (height, width, 3).
            body: float (17, 3): x, y in pixels, confidence.
        """
        window = person_window(body)
        if window is None:
            return None
        outputs = self._model(cut(rgb, window, _SIDE).astype(np.float32) / 255)
        if float(outputs[1].ravel()[0]) < _MIN_PERSON:
            return None
        marks = outputs[0].reshape(-1, 5).astype(np.float64)
        places = window.to_picture(marks[:, :2] / _SIDE)
        beliefs = 1 / (1 + np.exp(-np.clip(marks[:, 3:5].min(axis=1), -30, 30)))
        return np.concatenate([self._foot(foot, places, beliefs, body) for foot in _FEET])

    @staticmethod
    def _foot(foot: _Foot, places: np.ndarray, beliefs: np.ndarray, body: np.ndarray) -> np.ndarray:
        """float (2, 3): toe and heel of one foot; zeros where the ankles disagree."""
        ankle, knee = (body[BODY.index(f"{foot.side}_{part}")] for part in ("ankle", "knee"))
        apart = ankle[:2] - places[foot.ankle]
        shin = float(np.linalg.norm(ankle[:2] - knee[:2]))
        if ankle[2] < _SEEN or knee[2] < _SEEN or np.linalg.norm(apart) > _AGREE * shin:
            return np.zeros((2, 3))
        indices = [foot.toe, foot.heel]
        confidence = np.minimum(beliefs[indices], ankle[2])
        return np.column_stack([places[indices] + apart, confidence])

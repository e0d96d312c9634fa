"""The pose layer's row, put together from parts of people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from annotators.base import Row
from schemas.skeletons import PARTS, WHOLEBODY


@dataclass
class Skeleton:
    """The 133 points of one person.

    Attributes:
        points: float32 (133, 3): x, y in pixels of the stored picture, confidence in [0, 1]; zeros where nothing was found.
        present: bool (133,): whether an estimator looked for the point.
    """

    points: np.ndarray = field(default_factory=lambda: np.zeros((len(WHOLEBODY), 3), np.float32))
    present: np.ndarray = field(default_factory=lambda: np.zeros(len(WHOLEBODY), bool))

    def looked_for(self, slots: Sequence[int], points: np.ndarray | None) -> None:
        """Notes that ``slots`` were looked for; ``points`` (len(slots), 3), or None where nothing was found."""
        where = list(slots)
        self.present[where] = True
        if points is not None:
            self.points[where] = points

    @property
    def score(self) -> float:
        """Mean confidence of the present body points; 0 where nobody looked."""
        body = list(PARTS["body"])
        confidences = self.points[body, 2][self.present[body]]
        return float(confidences.mean(dtype=np.float64)) if len(confidences) else 0.0


def pose_row(skeletons: Sequence[Skeleton]) -> Row:
    """The pose layer's columns for the people of one picture."""
    return {
        "keypoints": [skeleton.points.ravel().tolist() for skeleton in skeletons],
        "present": [skeleton.present.tolist() for skeleton in skeletons],
        "scores": [skeleton.score for skeleton in skeletons],
    }


def people_of(person: Mapping[str, object]) -> tuple[np.ndarray, np.ndarray]:
    """Boxes float (n, 4) and scores (n,) of a person row."""
    boxes = np.asarray(person["boxes"], dtype=np.float64).reshape(-1, 4)
    return boxes, np.asarray(person["scores"], dtype=np.float64)

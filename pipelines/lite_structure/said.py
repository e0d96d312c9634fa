"""What the lite estimators would say of a synthetic picture: boxes and points with the faults that theirs have.

How often and how far they err was set by eye, on what they say of photographs; it is training noise, not a model of them.
"""

from __future__ import annotations

import numpy as np

from schemas.skeletons import PARTS, WHOLEBODY, WHOLEBODY_FLIP

Rng = np.random.Generator

_BOX_ERROR = 0.03
"""Standard deviation of a box's edges, in its sides."""
_POINT_ERROR = 0.010
"""Standard deviation of points, in longer sides of the box; drawn anew for each person between 0.2 and 1.8 times this."""
_HIDDEN_ERROR = 2.5
"""How much farther off hidden points are."""
_SMALL_TOES = [WHOLEBODY.index(f"{side}_small_toe") for side in ("left", "right")]
_LOST_PARTS = {"feet": 0.3, "face": 0.4, "left_hand": 0.45, "right_hand": 0.45}
"""How often a part is not found; body points are lost one by one."""
_LOST_POINT, _LOST_HIDDEN, _LOST_PERSON = 0.05, 0.45, 0.03
_TURNED = 0.02
"""How often left and right of a person are mistaken for each other."""


def boxes_said(boxes: np.ndarray, rng: Rng) -> np.ndarray:
    """float64 (n, 4): the boxes, their edges moved."""
    sides = np.tile(boxes[:, 2:] - boxes[:, :2], 2)
    moved: np.ndarray = boxes + sides * rng.normal(0, _BOX_ERROR, boxes.shape)
    return moved


def points_said(points: np.ndarray, boxes: np.ndarray, rng: Rng) -> np.ndarray:
    """float64 (n, 133, 3): x, y and confidence 1 or 0, as a pose estimator might say them of true ``points``."""
    return np.array([_person(one, box, rng) for one, box in zip(points, boxes, strict=True)]).reshape(points.shape)


def _person(points: np.ndarray, box: np.ndarray, rng: Rng) -> np.ndarray:
    made = points.astype(np.float64)
    hidden = points[:, 2] == 0.5
    spread = _POINT_ERROR * max(box[2] - box[0], box[3] - box[1]) * rng.uniform(0.2, 1.8)
    made[:, :2] += rng.normal(0, spread, (len(made), 2)) * np.where(hidden, _HIDDEN_ERROR, 1.0)[:, None]
    lost = (points[:, 2] == 0) | (rng.random(len(made)) < np.where(hidden, _LOST_HIDDEN, _LOST_POINT))
    lost[_SMALL_TOES] = True
    for part, often in _LOST_PARTS.items():
        if rng.random() < often:
            lost[list(PARTS[part])] = True
    if rng.random() < _LOST_PERSON:
        lost[:] = True
    made[:, 2] = ~lost
    return made[list(WHOLEBODY_FLIP)] if rng.random() < _TURNED else made

"""Where faces are, told from the rows of the person and pose layers: for blurring, so rather too large than too small.

Per person the first of these that can be had counts:

1. the 68 points of the face, if they are seen and agree with the nose and eyes of the body;
2. the nose, eyes and ears of the body, at least two of them;
3. the person's box: the head is taken to be in its top part, as wide as the box and 0.6 of that in height (of people who
   stand, the head is 1/7 of their height, and their box a third of it in width; of a bust the head is about 0.6 of the box's
   width; a box that is wider than that, as of people who lie, is covered whole).

Where the first two find the face of another person, one with a better score, the third counts: where people overlap, two poses
may be found on one of them. A person whom the person layer does not have is not known here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from humanverse.codec.blur import Ellipse
from schemas.layers import OK
from schemas.skeletons import BODY, PARTS, WHOLEBODY

Row = Mapping[str, Any]

SEEN = 0.3
"""Confidence from which a point counts as seen, as a part of the layer's range of scores."""
_FACE = list(PARTS["face"])
_RIGHT_EYE, _LEFT_EYE = slice(36, 42), slice(42, 48)
"""Of the 68 points."""
_FOREHEAD = 0.35
"""What must be added above the brows, in heights of brows to chin."""
_FACE_MARGIN = 1.25
_BODY_POINTS = ("nose", "left_eye", "right_eye", "left_ear", "right_ear")
_HEAD = [BODY.index(name) for name in _BODY_POINTS]
_AGREEING = [BODY.index(name) for name in _BODY_POINTS[:3]]
_APART_CM = {
    ("left_eye", "right_eye"): 6.3,
    ("left_ear", "right_ear"): 15.0,
    ("nose", "left_eye"): 4.5,
    ("nose", "right_eye"): 4.5,
    ("nose", "left_ear"): 12.5,
    ("nose", "right_ear"): 12.5,
    ("left_eye", "left_ear"): 9.0,
    ("right_eye", "right_ear"): 9.0,
    ("left_eye", "right_ear"): 13.0,
    ("right_eye", "left_ear"): 13.0,
    ("left_shoulder", "right_shoulder"): 36.0,
}
"""About how far points of an adult are apart. Seen from anywhere they look nearer, so the pair that looks farthest apart for
its kind tells the scale."""
_RADIUS_CM = 14.0
"""From the middle of nose, eyes and ears to beyond chin, forehead and ears."""
_HEADS_IN_A_BOX = 18.0
"""The head's radius is at least the longer side of the person's box divided by this: people who stand are 7.5 heads tall."""
_HEAD_OF_WIDTH = 0.6
_SAME_PERSON = 0.65
"""Intersection over union of boxes from which on they are taken to be of one person."""
_AROUND = 2**0.5
"""An ellipse through the corners of a box has axes so much longer than its sides."""


def faces(person: Row | None, pose: Row | None, seen: float = SEEN) -> list[Ellipse] | None:
    """The faces of a sample, one region per person of the person layer, in pixels of the stored picture.

    Args:
        person: its row of the person layer; None if there is no such layer.
        pose: its row of the pose layer; None if there is no such layer.
        seen: confidence from which a point counts as seen.

    Returns:
        None where neither row is ``ok``, so that nothing is known.
    """
    boxes = person["boxes"] if person is not None and person["status"] == OK else None
    points = _points(pose) if pose is not None and pose["status"] == OK else None
    if boxes is None and points is None:
        return None
    count = len(boxes if boxes is not None else points or ())
    if points is None or len(points) != count:
        points = [None] * count
    found: list[_Face] = []
    for index in range(count):
        box = _around(points[index]) if boxes is None else np.asarray(boxes[index], np.float64)
        found.append(_Face(box, _of_one(box, points[index], seen, found)))
    return [face.region for face in found]


@dataclass(frozen=True)
class _Face:
    """What was found of one person: the box, float64 (4,), and the region to blur."""

    box: np.ndarray
    region: Ellipse


def _points(pose: Row) -> list[np.ndarray | None]:
    """Per person float (133, 3), x, y, confidence; a point for which there is no estimator has confidence 0."""
    people: list[np.ndarray | None] = []
    for flat, present in zip(pose["keypoints"], pose["present"], strict=True):
        points = np.array(flat, np.float64).reshape(len(WHOLEBODY), 3)
        points[~np.array(present, bool), 2] = 0
        people.append(points)
    return people


def _of_one(box: np.ndarray, points: np.ndarray | None, seen: float, others: Sequence[_Face]) -> Ellipse:
    """The region of one person; ``others`` are those with a better score."""
    for way in _FROM_POINTS:
        region = way(points, box, seen) if points is not None else None
        if region is not None and not any(_is_of(region, box, other) for other in others):
            return region
    return _from_box(box)


def _is_of(region: Ellipse, box: np.ndarray, other: _Face) -> bool:
    """Whether ``region`` seems to be the face of somebody else; not if both boxes are of one person who was found twice."""
    middle = np.array([region.x, region.y])
    return bool(other.region.contains(middle)) and _overlap(box, other.box) < _SAME_PERSON


def _overlap(one: np.ndarray, other: np.ndarray) -> float:
    """Intersection over union of two boxes."""
    sides = np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2])
    common = float(np.prod(np.maximum(sides, 0)))
    areas = float(np.prod(one[2:] - one[:2]) + np.prod(other[2:] - other[:2]))
    return common / max(areas - common, 1e-9)


def _from_face(points: np.ndarray, box: np.ndarray, seen: float) -> Ellipse | None:
    if points[_FACE, 2].mean() < seen:
        return None
    face = points[_FACE, :2]
    right, left = face[_RIGHT_EYE].mean(axis=0), face[_LEFT_EYE].mean(axis=0)
    angle = float(np.arctan2(left[1] - right[1], left[0] - right[0]))
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    upright = face @ turn.T
    low, high = upright.min(axis=0), upright.max(axis=0)
    low[1] -= _FOREHEAD * (high[1] - low[1])
    x, y = turn.T @ ((low + high) / 2)
    a, b = np.maximum(_FACE_MARGIN * (high - low) / 2, 1.0)
    region = Ellipse(float(x), float(y), float(a), float(b), angle)
    body = points[_AGREEING]
    agrees = region.contains(body[body[:, 2] >= seen, :2]).all()
    return region if agrees else None


def _from_head(points: np.ndarray, box: np.ndarray, seen: float) -> Ellipse | None:
    head = points[_HEAD]
    visible = head[head[:, 2] >= seen, :2]
    if len(visible) < 2:
        return None
    x, y = visible.mean(axis=0)
    per_cm = max((_scale(points, pair, seen) for pair in _APART_CM), default=0.0)
    reach = max(float(np.linalg.norm(one - other)) for one, other in combinations(visible, 2))
    radius = max(_RADIUS_CM * per_cm, reach, float((box[2:] - box[:2]).max()) / _HEADS_IN_A_BOX, 1.0)
    return Ellipse(float(x), float(y), radius, radius)


def _scale(points: np.ndarray, pair: tuple[str, str], seen: float) -> float:
    """Pixels per centimetre that two points tell; 0 if one is not seen."""
    one, other = (points[BODY.index(name)] for name in pair)
    if min(one[2], other[2]) < seen:
        return 0.0
    return float(np.linalg.norm(one[:2] - other[:2])) / _APART_CM[pair]


def _from_box(box: np.ndarray) -> Ellipse:
    x0, y0, x1, y1 = (float(edge) for edge in box)
    height = min(y1 - y0, _HEAD_OF_WIDTH * (x1 - x0))
    a, b = _AROUND * max(x1 - x0, 1.0) / 2, _AROUND * max(height, 1.0) / 2
    return Ellipse((x0 + x1) / 2, y0 + height / 2, a, b)


def _around(points: np.ndarray | None) -> np.ndarray:
    """The box around all points of a person, seen or not."""
    assert points is not None, "a person has a box or points"
    return np.concatenate([points[:, :2].min(axis=0), points[:, :2].max(axis=0)])


_FROM_POINTS: tuple[Callable[[np.ndarray, np.ndarray, float], Ellipse | None], ...] = (_from_face, _from_head)

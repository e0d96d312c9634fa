"""What a person's 17 body points say for certain enough to be put into words: framing and posture."""

from __future__ import annotations

import numpy as np

from schemas.skeletons import BODY

SEEN = 0.5
"""From this confidence on a point counts as seen."""

_INDEX = {name: slot for slot, name in enumerate(BODY)}


class Body:
    """The body points of one person.

    Args:
        points: float (17, 3): x, y in pixels, confidence.
    """

    def __init__(self, points: np.ndarray) -> None:
        self._points = points

    def seen(self, name: str) -> bool:
        return bool(self._points[_INDEX[name], 2] >= SEEN)

    def both_seen(self, part: str) -> bool:
        """Whether the left and the right ``part`` are seen."""
        return self.seen(f"left_{part}") and self.seen(f"right_{part}")

    def at(self, name: str) -> np.ndarray:
        return np.asarray(self._points[_INDEX[name], :2])

    def middle(self, part: str) -> np.ndarray:
        """Half-way between the left and the right ``part``."""
        return (self.at(f"left_{part}") + self.at(f"right_{part}")) / 2


def _tilt(vector: np.ndarray) -> float:
    """Degrees between a vector and the picture's downward direction."""
    return float(np.degrees(np.arctan2(abs(vector[0]), vector[1])))


def _bend(first: np.ndarray, joint: np.ndarray, last: np.ndarray) -> float:
    """Degrees at a joint; 180 is straight."""
    one, other = first - joint, last - joint
    cosine = float(one @ other / max(float(np.linalg.norm(one) * np.linalg.norm(other)), 1e-6))
    return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))


def posture(body: Body) -> str | None:
    """``standing``, ``sitting`` or ``lying down``; None where the points do not show it beyond doubt.

    Standing: an upright trunk, and a leg that is straight and points down. Sitting: an upright trunk above thighs that lie
    level. Lying: trunk and thighs level. Somebody who sits facing the camera with the thighs foreshortened gets None.
    """
    if not (body.both_seen("shoulder") and body.both_seen("hip")):
        return None
    trunk = body.middle("hip") - body.middle("shoulder")
    if not body.both_seen("knee"):
        return None
    legs = [(body.at(f"{side}_hip"), body.at(f"{side}_knee"), side) for side in ("left", "right")]
    if all(65 < _tilt(part) < 115 for part in (trunk, *(knee - hip for hip, knee, _ in legs))):
        return "lying down"
    if _tilt(trunk) > 30:
        return None
    if all(_tilt(knee - hip) > 60 for hip, knee, _ in legs):
        return "sitting"
    length = float(np.linalg.norm(trunk))
    standing = [
        body.seen(f"{side}_ankle")
        and _bend(hip, knee, body.at(f"{side}_ankle")) > 155
        and _tilt(body.at(f"{side}_ankle") - hip) < 25
        and np.linalg.norm(body.at(f"{side}_ankle") - hip) > 1.1 * length
        for hip, knee, side in legs
    ]
    return "standing" if any(standing) else None


def framing(body: Body) -> str | None:
    """How much of the person the picture shows, in words that follow "seen"; None where it is not clear."""
    head = body.seen("nose") or body.both_seen("eye") or body.both_seen("ear")
    if not (head and body.both_seen("shoulder")):
        return None
    if body.both_seen("ankle") and body.both_seen("hip"):
        return "from head to foot"
    lower = any(body.seen(f"{side}_{part}") for side in ("left", "right") for part in ("knee", "ankle"))
    if lower:
        return None
    return "from the waist up" if body.both_seen("hip") else "from the chest up"


def arms_raised(body: Body) -> bool:
    """Whether both wrists are seen above the eyes."""
    if not (body.both_seen("wrist") and body.both_seen("eye")):
        return False
    highest_eye = min(body.at("left_eye")[1], body.at("right_eye")[1])
    return bool(max(body.at("left_wrist")[1], body.at("right_wrist")[1]) < highest_eye)

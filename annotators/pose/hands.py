"""The 21 points of a hand by MediaPipe: a palm is looked for around MoveNet's wrist, then its joints are measured."""

from __future__ import annotations

import numpy as np

from annotators import archives
from annotators.engines import TfLite
from annotators.pose.blaze_detector import BlazeDetector, Detection, DetectorKind
from annotators.pose.crops import Window, cut
from annotators.weights import Choice, as_pinned, obtain
from schemas.skeletons import BODY, PARTS

DETECTOR = DetectorKind(
    weight=archives.mediapipe(
        "palm_detection/palm_detection_full.tflite",
        "1b14e9422c6ad006cde6581a46c8b90dd573c07ab7f3934b5589e7cea3f89a54",
        2339846,
    ),
    side=192,
    grid=((24, 2), (12, 6)),
    points=7,
    black=0.0,
)
JOINTS = archives.mediapipe(
    "hand_landmark/hand_landmark_full.tflite",
    "11c272b891e1a99ab034208e23937a8008388cf11ed2a9d776ed3d01d0ba00e3",
    5478917,
)

_SIDE = 224
_WINDOW = 3
"""Side of the part of the picture to look for a hand in, in lengths of a hand."""
_OTHER = {"left": "right", "right": "left"}
_WRIST, _MIDDLE_KNUCKLE = 0, 2
_SEEN = 0.2
_MIN_HAND = 16
"""Hands shorter than this, in pixels of the picture, are not looked for."""
_MIN_DETECTION = 0.5
_MIN_PRESENCE = 0.5
_AGREE = 0.6
"""How far, in lengths of a hand, the hand's root may lie from MoveNet's wrist."""


def _distance(body: np.ndarray, first: str, second: str) -> float:
    """Pixels between two body points; 0 where either is not seen."""
    pair = body[[BODY.index(first), BODY.index(second)]]
    return float(np.linalg.norm(pair[0, :2] - pair[1, :2])) if (pair[:, 2] >= _SEEN).all() else 0.0


def hand_length(body: np.ndarray, side: str) -> float:
    """How long a hand is likely to be, in pixels, judged by forearm, shoulders and trunk; 0 where none is seen.

    A hand is about 0.75 of the forearm from elbow to wrist, half of the shoulders' width (between the joints) and 0.37 of the
    trunk (shoulder to hip), after the proportions in Winter, "Biomechanics and motor control of human movement", 2009. Lines
    that point to the camera look shorter than they are, hence the longest counts.
    """
    return max(
        0.75 * _distance(body, f"{side}_elbow", f"{side}_wrist"),
        0.5 * _distance(body, "left_shoulder", "right_shoulder"),
        0.37 * _distance(body, f"{side}_shoulder", f"{side}_hip"),
    )


def hand_window(body: np.ndarray, side: str) -> Window | None:
    """The part of the picture to look for a hand in: around the wrist, moved on along the forearm; None if not seen."""
    wrist = body[BODY.index(f"{side}_wrist")]
    length = hand_length(body, side)
    if wrist[2] < _SEEN or length < _MIN_HAND:
        return None
    elbow = body[BODY.index(f"{side}_elbow")]
    forearm = (wrist - elbow)[:2] if elbow[2] >= _SEEN else np.zeros(2)
    x, y = wrist[:2] + 0.4 * length * forearm / max(float(np.linalg.norm(forearm)), 1e-6)
    return Window(float(x), float(y), _WINDOW * length)


def belongs(root: np.ndarray, body: np.ndarray, side: str, reach: float) -> bool:
    """Whether a hand whose root is at ``root`` is that of ``side``: within reach of its wrist, and not nearer to the other.

    Args:
        root: (x, y) in pixels.
        body: float (17, 3): x, y in pixels, confidence.
        side: ``left`` or ``right``.
        reach: in pixels.
    """
    own, other = (body[BODY.index(f"{name}_wrist")] for name in (side, _OTHER[side]))
    distance = float(np.linalg.norm(root - own[:2]))
    return distance <= reach and (other[2] < _SEEN or distance <= float(np.linalg.norm(root - other[:2])))


class HandEstimator:
    """Palm detector and joint network, loaded.

    Args:
        side: ``left`` or ``right``, the person's.
        detector: shared by both sides.
        joints: shared by both sides.
    """

    weights = (DETECTOR.weight, JOINTS)

    def __init__(self, side: str, detector: BlazeDetector, joints: TfLite) -> None:
        self.slots = PARTS[f"{side}_hand"]
        self._side = side
        self._detector = detector
        self._joints = joints

    def points(self, rgb: np.ndarray, body: np.ndarray) -> np.ndarray | None:
        """float (21, 3): x, y in pixels of the picture, confidence; None where no hand agrees with the wrist.

        The confidence, the same for all points, is the joint network's own belief that it looked at a hand.

        Args:
            rgb: uint8 (height, width, 3).
            body: float (17, 3): x, y in pixels, confidence.
        """
        window = hand_window(body, self._side)
        if window is None:
            return None
        reach = _AGREE * window.side / _WINDOW
        palms = self._detector.detect(rgb, window, _MIN_DETECTION)
        own = [palm for palm in palms if belongs(palm.points[_WRIST], body, self._side, reach)]
        measured = self._measured(rgb, own[0]) if own else None
        if measured is None or not belongs(measured[0, :2], body, self._side, reach):
            return None
        return measured

    def _measured(self, rgb: np.ndarray, palm: Detection) -> np.ndarray | None:
        window = palm_window(palm)
        joints, presence = self._joints(cut(rgb, window, _SIDE).astype(np.float32) / 255)[:2]
        confidence = float(presence.ravel()[0])
        if confidence < _MIN_PRESENCE:
            return None
        flat = joints.reshape(-1, 3)[:, :2].astype(np.float64) / _SIDE
        return np.column_stack([window.to_picture(flat), np.full(len(flat), confidence)])


def palm_window(palm: Detection) -> Window:
    """What the joint network wants to see: 2.6 times the palm, moved half a palm to the fingers, these pointing up."""
    direction = palm.points[_MIDDLE_KNUCKLE] - palm.points[_WRIST]
    direction = direction / max(float(np.linalg.norm(direction)), 1e-6)
    x, y = palm.center + 0.5 * palm.extent[1] * direction
    angle = float(np.arctan2(direction[0], -direction[1]))
    return Window(float(x), float(y), 2.6 * float(palm.extent.max()), angle)


def both_hands(weight: Choice = as_pinned) -> tuple[HandEstimator, HandEstimator]:
    """Estimators of the left and the right hand that share their networks."""
    detector, joints = BlazeDetector(DETECTOR, weight), TfLite(obtain(weight(JOINTS)))
    return HandEstimator("left", detector, joints), HandEstimator("right", detector, joints)

"""The 68 points of the face, taken from MediaPipe's face mesh of 468.

The head is looked for where MoveNet sees nose, eyes and ears. MediaPipe's short-range detector finds the face in it, the
mesh network measures it, and the result counts only where both agree with MoveNet on which face it is.
"""

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
        "face_detection/face_detection_short_range.tflite",
        "bbff11cebd1eb27a1e004cae0b0e63ec8c551cbf34a4451148b4908b8db3eca8",
        229714,
    ),
    side=128,
    grid=((16, 2), (8, 6)),
    points=6,
    black=-1.0,
)
MESH = archives.mediapipe(
    "face_landmark/face_landmark.tflite",
    "1055cb9d4a9ca8b8c688902a3a5194311138ba256bcc94e336d8373a5f30c814",
    1242398,
)

MESH_TO_68: tuple[tuple[int, ...], ...] = (
    (127,), (234,), (93,), (132, 58), (58, 172), (136,), (150,), (176,), (152,), (400,), (379,), (365,), (397, 288),
    (288, 361), (323,), (454,), (356,),
    (70,), (63,), (105,), (66,), (107,), (336,), (296,), (334,), (293,), (300,),
    (168, 6), (197, 195), (5,), (4,), (75,), (97,), (2,), (326,), (305,),
    (33,), (160,), (158,), (133,), (153,), (144,), (362,), (385,), (387,), (263,), (373,), (380,),
    (61,), (39,), (37,), (0,), (267,), (269,), (291,), (321,), (314,), (17,), (84,), (91,),
    (78,), (82,), (13,), (312,), (308,), (317,), (14,), (87,),
)  # fmt: skip
"""For each of the 68 points the mesh points whose mean it is: the correspondence that Peizhi Yan published
(https://github.com/PeizhiYan/Mediapipe_2_Dlib_Landmarks), with point 13 made the mirror image of point 3."""

_SIDE = 192
_HEAD = [BODY.index(name) for name in ("nose", "left_eye", "right_eye", "left_ear", "right_ear")]
_SHOULDERS = [BODY.index("left_shoulder"), BODY.index("right_shoulder")]
_SEEN = 0.2
_MIN_WIDTH = 16
"""Faces narrower than this, in pixels of the picture, are not measured."""
_MIN_DETECTION = 0.5
_MIN_PRESENCE = 0.5
_AGREE = 0.4
"""How far, in widths of the face, the detected nose and eyes may lie from MoveNet's on average."""


def head_window(body: np.ndarray) -> Window | None:
    """The part of the picture to look for the face in; None where too little of the head is seen.

    Args:
        body: float (17, 3): x, y in pixels, confidence.
    """
    seen = body[_HEAD][body[_HEAD][:, 2] >= _SEEN, :2]
    if len(seen) < 3:
        return None
    spread = float(np.linalg.norm(seen[:, None] - seen[None], axis=2).max())
    if (body[_SHOULDERS, 2] >= _SEEN).all():
        spread = max(spread, 0.25 * float(np.linalg.norm(body[_SHOULDERS[0], :2] - body[_SHOULDERS[1], :2])))
    x, y = seen.mean(axis=0)
    return Window(float(x), float(y), 4 * spread)


def _disagreement(face: Detection, body: np.ndarray) -> float:
    """Mean distance of the detection's eyes and nose from MoveNet's that are seen, in widths of the face."""
    slots = [BODY.index("right_eye"), BODY.index("left_eye"), BODY.index("nose")]
    distances = np.linalg.norm(face.points[:3] - body[slots, :2], axis=1)[body[slots, 2] >= _SEEN]
    return float(distances.mean() / max(face.extent[0], 1e-6)) if len(distances) else np.inf


class FaceEstimator:
    """Detector and mesh, loaded."""

    slots = PARTS["face"]
    weights = (DETECTOR.weight, MESH)

    def __init__(self, weight: Choice = as_pinned) -> None:
        self._detector = BlazeDetector(DETECTOR, weight)
        self._mesh = TfLite(obtain(weight(MESH)))

    def points(self, rgb: np.ndarray, body: np.ndarray) -> np.ndarray | None:
        """float (68, 3): x, y in pixels of the picture, confidence; None where no face agrees with the body.

        The confidence, the same for all points, is the mesh network's own belief that it looked at a face.

        Args:
            rgb: uint8 (height, width, 3).
            body: float (17, 3): x, y in pixels, confidence.
        """
        window = head_window(body)
        if window is None:
            return None
        faces = self._detector.detect(rgb, window, _MIN_DETECTION)
        agreeing = [face for face in faces if _disagreement(face, body) <= _AGREE and face.extent[0] >= _MIN_WIDTH]
        return self._measured(rgb, agreeing[0]) if agreeing else None

    def _measured(self, rgb: np.ndarray, face: Detection) -> np.ndarray | None:
        eyes = face.points[1] - face.points[0]
        angle = float(np.arctan2(eyes[1], eyes[0]))
        x, y = face.center
        window = Window(float(x), float(y), 1.5 * float(face.extent.max()), angle)
        mesh, logit = self._mesh(cut(rgb, window, _SIDE).astype(np.float32) / 255)
        presence = 1 / (1 + np.exp(-float(logit.ravel()[0])))
        if presence < _MIN_PRESENCE:
            return None
        flat = mesh.reshape(-1, 3)[:, :2].astype(np.float64) / _SIDE
        chosen = np.array([flat[list(indices)].mean(axis=0) for indices in MESH_TO_68])
        return np.column_stack([window.to_picture(chosen), np.full(len(chosen), presence)])

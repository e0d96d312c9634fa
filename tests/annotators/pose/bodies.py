"""A body made by hand, for the estimators that start from one."""

from __future__ import annotations

import numpy as np

from schemas.skeletons import BODY

PLACES = {
    "nose": (500, 200), "left_eye": (520, 170), "right_eye": (480, 170), "left_ear": (550, 180), "right_ear": (450, 180),
    "left_shoulder": (600, 350), "right_shoulder": (400, 350), "left_elbow": (630, 500), "right_elbow": (370, 500),
    "left_wrist": (640, 650), "right_wrist": (360, 650), "left_hip": (560, 650), "right_hip": (440, 650),
    "left_knee": (560, 880), "right_knee": (440, 880), "left_ankle": (560, 1100), "right_ankle": (440, 1100),
}  # fmt: skip


def body(*hidden: str) -> np.ndarray:
    """float (17, 3): somebody who stands upright and faces the camera; points named in ``hidden`` have confidence 0.05."""
    return np.array([(*PLACES[name], 0.05 if name in hidden else 0.9) for name in BODY])

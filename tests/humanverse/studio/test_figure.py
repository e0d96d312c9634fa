"""The figure that is added to the canvas."""

from __future__ import annotations

import numpy as np

from humanverse.studio.figure import FOLLOWERS, HANDLES, standing
from schemas.skeletons import PARTS, WHOLEBODY, WHOLEBODY_FLIP

LEFT = {slot for slot, name in enumerate(WHOLEBODY) if name.startswith("left_")}


def test_body_and_feet_are_there_and_nothing_else() -> None:
    points = standing()
    assert points.shape == (133, 3) and points.dtype == np.float32
    assert np.flatnonzero(points[:, 2]).tolist() == list(HANDLES) == [*PARTS["body"], *PARTS["feet"]]
    assert points[list(HANDLES), 1].min() >= 0 and points[:, 1].max() == 1


def test_it_faces_the_camera_and_is_symmetric() -> None:
    points = standing()
    assert all(points[slot, 0] > 0 for slot in LEFT & set(HANDLES))
    mirrored = points[list(WHOLEBODY_FLIP)] * (-1, 1, 1)
    assert np.array_equal(mirrored, points)


def test_hands_feet_and_head_follow() -> None:
    named = {WHOLEBODY[slot]: {WHOLEBODY[other] for other in others} for slot, others in FOLLOWERS.items()}
    assert named.keys() == {"nose", "left_wrist", "right_wrist", "left_ankle", "right_ankle"}
    assert named["left_wrist"] == {WHOLEBODY[slot] for slot in PARTS["left_hand"]}
    assert named["right_ankle"] == {"right_big_toe", "right_small_toe", "right_heel"}
    assert len(named["nose"]) == 68 + 4

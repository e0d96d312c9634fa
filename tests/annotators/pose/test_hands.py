"""Hands on photographs, and which wrist a hand belongs to."""

from __future__ import annotations

import numpy as np
import pytest

from annotators.pose.blaze_detector import Detection
from annotators.pose.hands import belongs, hand_length, hand_window, palm_window
from schemas.skeletons import BODY, PARTS, WHOLEBODY
from tests.annotators.photographs import person_row, photograph, row
from tests.annotators.pose.bodies import body


def test_the_hand_is_as_long_as_the_longest_hint_says() -> None:
    forearm = float(np.hypot(10, 150))
    assert hand_length(body(), "left") == pytest.approx(max(0.75 * forearm, 0.5 * 200, 0.37 * np.hypot(40, 300)))
    assert hand_length(body("left_elbow", "left_hip"), "left") == pytest.approx(100)
    assert hand_length(body("left_elbow", "left_shoulder"), "left") == 0


def test_the_window_goes_on_along_the_forearm() -> None:
    window = hand_window(body(), "left")
    assert window is not None and window.y > 650 and window.x > 640
    assert hand_window(body("left_wrist"), "left") is None
    small = body()
    small[:, :2] /= 10
    assert hand_window(small, "left") is None


def test_a_hand_belongs_to_the_nearer_wrist() -> None:
    points = body()
    points[BODY.index("left_wrist"), :2] = (400, 650)
    assert belongs(np.array([365, 650]), points, "right", 50)
    assert not belongs(np.array([365, 650]), points, "left", 50)
    points[BODY.index("right_wrist"), 2] = 0
    assert belongs(np.array([365, 650]), points, "left", 50)
    assert not belongs(np.array([300, 650]), points, "left", 50)


@pytest.mark.parametrize(("knuckle", "angle"), [((50, 20), 0), ((80, 50), np.pi / 2), ((50, 80), np.pi)])
def test_fingers_point_up_in_the_palms_window(knuckle: tuple[float, float], angle: float) -> None:
    points = np.tile([50.0, 50.0], (7, 1))
    points[2] = knuckle
    window = palm_window(Detection(0.9, np.array([40.0, 40.0]), np.array([50.0, 50.0]), points))
    assert abs(np.angle(np.exp(1j * (window.angle - angle)))) < 1e-9 and window.side == 2.6 * 40
    up = window.to_picture(np.array([0.5, 0.0])) - window.to_picture(np.array([0.5, 0.5]))
    np.testing.assert_allclose(up / np.linalg.norm(up), (points[2] - points[0]) / 30, atol=1e-9)
    np.testing.assert_allclose((window.x, window.y), np.array([50, 50]) + 20 * (points[2] - points[0]) / 30)


def test_four_raised_fingers_are_measured() -> None:
    """A woman holds up one hand: its finger tips are above its root, the other hand is not made up."""
    picture = photograph("gesture_07fdea90.jpg")
    pose = row("pose", "movenet-mediapipe", picture, {"person": person_row(picture)})
    points = np.array(pose["keypoints"][0]).reshape(-1, 3)
    raised, other = points[list(PARTS["left_hand"])], points[list(PARTS["right_hand"])]
    assert (raised[:, 2] > 0.5).all() and (other[:, 2] == 0).all()
    tips = [WHOLEBODY.index(f"left_{finger}4") - 91 for finger in ("forefinger", "middle_finger", "ring_finger")]
    length = raised[0, 1] - raised[tips, 1]
    assert (length > 0).all()
    wrist = points[BODY.index("left_wrist"), :2]
    assert np.linalg.norm(raised[0, :2] - wrist) < 0.6 * length.max()

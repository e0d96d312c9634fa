"""Where a face is looked for, and when one is not."""

from __future__ import annotations

import numpy as np

from annotators.pose.face import FaceEstimator, head_window
from tests.annotators.photographs import NOBODY, photograph
from tests.annotators.pose.bodies import PLACES, body


def test_the_window_is_around_the_head() -> None:
    window = head_window(body())
    assert window is not None
    assert abs(window.x - 500) < 20 and abs(window.y - 180) < 20 and window.side == 400


def test_the_shoulders_keep_the_window_of_a_profile_wide_enough() -> None:
    near = body("right_eye", "right_ear")
    near[3, :2] = PLACES["left_eye"]
    window = head_window(near)
    assert window is not None and window.side == 4 * 0.25 * 200


def test_the_back_of_a_head_has_no_window() -> None:
    assert head_window(body("nose", "left_eye", "right_eye")) is None


def test_no_face_is_seen_in_a_cow() -> None:
    points = body()
    points[:, :2] *= 0.2
    assert FaceEstimator().points(photograph(NOBODY).rgb, points) is None


def test_a_face_that_is_not_this_bodys_does_not_count() -> None:
    """The head's points are put on the chest of a man whose face is in the same window."""
    picture = photograph("obama3.jpg")
    height, width = picture.rgb.shape[:2]
    wrong = body()
    wrong[:5, :2] = np.array([width * 0.5, height * 0.45]) + 0.05 * height * np.array(
        [[0, 0.5], [0.4, 0], [-0.4, 0], [1, 0.1], [-1, 0.1]]
    )
    assert FaceEstimator().points(picture.rgb, wrong) is None

"""When and where BlazePose is asked for feet."""

from __future__ import annotations

import numpy as np
import pytest

from annotators.pose.feet import FeetEstimator, person_window
from tests.annotators.photographs import NOBODY, photograph
from tests.annotators.pose.bodies import body


def test_the_window_holds_the_person_around_the_hips() -> None:
    window = person_window(body())
    assert window is not None
    assert (window.x, window.y) == (500, 650) and window.angle == pytest.approx(0)
    inside = window.to_crop(body()[:, :2])
    assert (inside > 0.05).all() and (inside < 0.95).all()


def test_somebody_upside_down_is_turned() -> None:
    turned = body()
    turned[:, 1] = 1300 - turned[:, 1]
    window = person_window(turned)
    assert window is not None and abs(window.angle) == pytest.approx(np.pi)
    head, feet = window.to_crop(turned[[0, 15], :2])
    assert head[1] < 0.5 < feet[1]


@pytest.mark.parametrize("hidden", [("left_hip",), ("right_shoulder",), ("left_ankle", "right_ankle")])
def test_without_hips_shoulders_or_ankles_nothing_is_asked(hidden: tuple[str, ...]) -> None:
    assert person_window(body(*hidden)) is None


def test_a_cow_has_no_feet_of_a_person() -> None:
    points = body()
    points[:, :2] *= 0.3
    found = FeetEstimator().points(photograph(NOBODY).rgb, points)
    assert found is None or not found.any()

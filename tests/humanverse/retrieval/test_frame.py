"""People in a frame of another size."""

from __future__ import annotations

import numpy as np
import pytest

from humanverse.retrieval.frame import adapt
from schemas.skeletons import WHOLEBODY


def person(*places: tuple[float, float], confidence: float = 1.0) -> np.ndarray:
    """The first points at ``places``; the others are not seen, and far away."""
    points = np.full((len(WHOLEBODY), 3), -9999.0)
    points[:, 2] = 0
    points[: len(places)] = [(x, y, confidence) for x, y in places]
    return points


def test_the_same_frame_changes_nothing() -> None:
    one = person((10, 20), (50, 90))
    (same,) = adapt([one], (100, 100), (100, 100))
    assert same.dtype == np.float32
    assert np.array_equal(same, one.astype(np.float32))


def test_a_larger_frame_of_the_same_shape_scales() -> None:
    (made,) = adapt([person((10, 20), (50, 90))], (100, 200), (300, 600))
    assert made[:2].tolist() == [[30, 60, 1], [150, 270, 1]]


def test_a_wide_picture_in_a_square_keeps_height_and_ground() -> None:
    """300 x 100 to 200 x 200: twice as large; the middle, at 5/6 of the width, stays there; the feet stay at 90 %."""
    (made,) = adapt([person((240, 30), (260, 90))], (300, 100), (200, 200))
    assert made[:2].tolist() == pytest.approx(np.array([[146.6667, 60, 1], [186.6667, 180, 1]]), abs=1e-3)


def test_a_tall_picture_in_a_square_keeps_the_width() -> None:
    """100 x 200 to 100 x 100: the scale that fills is 1; 60 high, standing at 80 %."""
    (made,) = adapt([person((40, 100), (60, 160))], (100, 200), (100, 100))
    assert made[:2].tolist() == [[40, 20, 1], [60, 80, 1]]


def test_people_who_do_not_fit_are_moved_then_made_smaller() -> None:
    """Two people 280 apart in 300 x 100, to 100 x 100: 280 s = 92, and 4 free on either side."""
    first, second = adapt([person((10, 10), (10, 90)), person((290, 50))], (300, 100), (100, 100), margin=0.04)
    scale = (100 - 100 / 30 - 100 / 30) / 280
    assert first[0, 0] == pytest.approx(100 / 30, abs=1e-4), "was nearer to the side than the margin, and stays so"
    assert second[0, 0] == pytest.approx(100 - 100 / 30, abs=1e-4)
    assert first[1, 1] == pytest.approx(90), "stands where it stood"
    assert first[1, 1] - first[0, 1] == pytest.approx(80 * scale)


def test_moved_to_keep_the_margin() -> None:
    """200 x 100 to 100 x 100 at scale 1: the middle at 15 % would put the left point at -5."""
    (made,) = adapt([person((10, 40), (50, 60))], (200, 100), (100, 100), margin=0.05)
    assert made[:2].tolist() == [[5, 40, 1], [45, 60, 1]]


def test_whoever_is_cut_off_stays_at_the_side() -> None:
    """From the waist up: the hips lie on the lower edge."""
    (made,) = adapt([person((40, 20), (60, 100))], (100, 100), (200, 100), margin=0.05)
    assert made[1, 1] == pytest.approx(100)


def test_points_outside_or_unseen_move_along() -> None:
    one = person((40, 50), (60, 90), (50, 130))
    one[3] = (10, 10, 0.1)
    (made,) = adapt([one], (100, 100), (50, 50))
    assert made[:4].tolist() == pytest.approx(np.array([[20, 25, 1], [30, 45, 1], [25, 65, 1], [5, 5, 0.1]]))


@pytest.mark.parametrize("to_size", [(512, 512), (640, 384), (384, 640), (64, 1024)])
def test_never_distorted_and_always_inside(to_size: tuple[int, int]) -> None:
    random = np.random.default_rng(3)
    for _ in range(50):
        size = (int(random.integers(100, 900)), int(random.integers(100, 900)))
        people = [random.random((len(WHOLEBODY), 3)) * [*size, 1] for _ in range(2)]
        made = adapt(people, size, to_size)
        seen = np.concatenate([points[points[:, 2] >= 0.3, :2] for points in made])
        assert (seen >= -1e-3).all() and (seen <= np.array(to_size) + 1e-3).all()
        before, after = np.concatenate(people)[:, :2], np.concatenate(made)[:, :2]
        ratios = np.ptp(after, axis=0) / np.ptp(before, axis=0)
        assert ratios[0] == pytest.approx(ratios[1], rel=1e-4)


def test_nobody_to_be_seen_is_centred() -> None:
    (made,) = adapt([person((50, 25), confidence=0.0)], (100, 50), (200, 200))
    assert made[0].tolist() == [100, 100, 0]
    assert adapt([], (10, 10), (20, 20)) == []

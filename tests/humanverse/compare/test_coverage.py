"""How much of B's maps A's speak of."""

from __future__ import annotations

import numpy as np
import pytest

from humanverse.compare.coverage import Coverage, share_inside
from humanverse.compare.frames import Placed

WHOLE = (0.0, 0.0, 40.0, 20.0)


def placed(shape: tuple[int, ...], box: tuple[float, float, float, float] = WHOLE) -> Placed:
    return Placed(np.ones(shape), box)


def test_what_lies_outside_the_other_map_is_not_covered() -> None:
    coverage = Coverage()
    coverage.add(placed((20, 40)), placed((10, 10), (0.0, 0.0, 10.0, 20.0)), 200, 100)
    assert coverage.mean == pytest.approx(1 / 4 * 1 / 2)
    coverage.add(placed((20, 40)), None, 0, 0)
    assert coverage.mean == pytest.approx(1 / 16)
    assert coverage.note.startswith("A has 6.2% of B's pixels")


def test_where_b_says_nothing_there_is_nothing_to_cover() -> None:
    coverage = Coverage()
    coverage.add(Placed(np.full((20, 40), np.nan), WHOLE), placed((20, 40)), 0, 0)
    coverage.add(None, placed((20, 40)), 0, 0)
    assert coverage.mean is None and coverage.note == ""


def test_pixels_are_inside_by_their_centres() -> None:
    values = np.ones((2, 4, 3))
    values[0, 0] = np.nan
    one = Placed(values, WHOLE)
    assert share_inside(one, (0.0, 0.0, 14.9, 20.0)) == pytest.approx(1 / 7)
    assert share_inside(one, (0.0, 0.0, 15.1, 20.0)) == pytest.approx(3 / 7)
    assert share_inside(one, (-9.0, -9.0, 99.0, 99.0)) == 1

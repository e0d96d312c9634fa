"""Two maps on one grid."""

from __future__ import annotations

import numpy as np
import pytest

from humanverse.compare.frames import Placed, known, labels_on_one_grid, on_one_grid

WHOLE = (0.0, 0.0, 80.0, 60.0)


def ramp(height: int, width: int) -> np.ndarray:
    """x of each cell's middle in [0, 80]."""
    return np.tile((np.arange(width) + 0.5) * 80 / width, (height, 1))


def test_equal_grids_are_left_as_they_are() -> None:
    values = np.random.default_rng(6).random((6, 8))
    found = on_one_grid(Placed(values, WHOLE), Placed(values + 1, WHOLE))
    assert found is not None
    np.testing.assert_allclose(found[0], values, rtol=1e-6)
    np.testing.assert_allclose(found[1] - found[0], 1, rtol=1e-5)


def test_the_coarser_grid_counts_and_places_stay() -> None:
    found = on_one_grid(Placed(ramp(60, 80), WHOLE), Placed(ramp(6, 8), WHOLE))
    assert found is not None
    assert found[0].shape == (6, 8)
    np.testing.assert_allclose(found[0], found[1], atol=1e-4)


def test_a_cut_is_in_its_place() -> None:
    part = Placed(ramp(60, 80)[10:50, 20:60], (20.0, 10.0, 60.0, 50.0))
    found = on_one_grid(part, Placed(ramp(60, 80), WHOLE))
    assert found is not None
    assert found[0].shape == (40, 40)
    np.testing.assert_allclose(found[0], found[1], atol=1e-3)


def test_a_cell_with_any_missing_pixel_is_missing() -> None:
    holed = ramp(60, 80)
    holed[0, 0] = np.nan
    found = on_one_grid(Placed(holed, WHOLE), Placed(ramp(6, 8), WHOLE))
    assert found is not None
    assert np.isnan(found[0][0, 0]) and np.isfinite(found[0][3:, 3:]).all()


@pytest.mark.parametrize("box", [(80.0, 0.0, 90.0, 60.0), (79.5, 0.0, 99.5, 60.0)])
def test_no_overlap(box: tuple[float, float, float, float]) -> None:
    assert on_one_grid(Placed(ramp(6, 8), WHOLE), Placed(ramp(6, 8), box)) is None


def test_label_ids_are_those_that_the_cells_centres_lie_in() -> None:
    fine = np.arange(24, dtype=np.uint8).reshape(4, 6)
    found = labels_on_one_grid(
        Placed(fine, (0.0, 0.0, 6.0, 4.0)), Placed(np.zeros((2, 2), np.uint8), (0.0, 0.0, 6.0, 4.0))
    )
    assert found is not None and found[0].dtype == np.uint8
    assert found[0].tolist() == [[fine[1, 1], fine[1, 4]], [fine[3, 1], fine[3, 4]]]
    assert labels_on_one_grid(Placed(fine, (0.0, 0.0, 6.0, 4.0)), Placed(fine, (6.0, 0.0, 12.0, 4.0))) is None


def test_a_pixel_is_known_if_all_its_channels_are() -> None:
    values = np.ones((2, 3, 3))
    values[0, 1, 2] = np.nan
    assert known(values).tolist() == [[True, False, True], [True, True, True]]
    assert known(values[:, :, 2]).tolist() == [[True, False, True], [True, True, True]]

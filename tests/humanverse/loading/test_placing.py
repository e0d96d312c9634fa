"""Maps in the frame of the training picture."""

from __future__ import annotations

import numpy as np
import pytest

from humanverse.loading.crop import choose
from humanverse.loading.placing import interpolated, nearest
from tests.humanverse.loading.test_crop import at, blob, centre

STORED = (640, 480)
WHOLE = (0.0, 0.0, 640.0, 480.0)


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize(
    ("cells", "box"),
    [
        ((640, 480), WHOLE),
        ((256, 192), WHOLE),
        ((100, 75), WHOLE),
        ((1280, 960), WHOLE),
        ((300, 260), (40.0, 30.0, 640.0, 470.0)),
        ((200, 160), (-50.5, -20.0, 700.0, 500.0)),
    ],
)
def test_a_point_of_a_map_stays_at_its_keypoint(cells: tuple[int, int], box: tuple[float, ...], mirrored: bool) -> None:
    x, y = 310.0, 222.0
    crop = choose(STORED, (256, 256), 0.4, 0.0, mirrored)
    pitch = np.array([(box[2] - box[0]) / cells[0], (box[3] - box[1]) / cells[1]])
    down, across = np.mgrid[0 : cells[1], 0 : cells[0]] + 0.5
    places = box[0] + across * pitch[0], box[1] + down * pitch[1]
    spot = np.exp(-((places[0] - x) ** 2 + (places[1] - y) ** 2) / (2 * 16**2)).astype(np.float32)
    (shown,) = interpolated(spot, (box[0], box[1], box[2], box[3]), crop)
    np.testing.assert_allclose(centre(np.nan_to_num(shown)), crop.points(at(x, y))[0, 0, :2], atol=0.1)


@pytest.mark.parametrize("cells", [(640, 480), (160, 120)])
def test_numbers_are_read_where_the_pixels_are(cells: tuple[int, int]) -> None:
    """A ramp along x, whose value is x in stored pixels, is x again at every pixel's centre."""
    crop = choose(STORED, (240, 240), 0.5, 0.5)
    pitch = 640 / cells[0]
    ramp = np.tile(((np.arange(cells[0]) + 0.5) * pitch).astype(np.float32), (cells[1], 1))
    (shown,) = interpolated(ramp, WHOLE, crop)
    expected = (np.arange(240) + 0.5 + crop.left) / crop.scale
    np.testing.assert_allclose(shown[100], expected, atol=pitch / 16)


def test_labels_are_never_mixed() -> None:
    ids = np.zeros((48, 64), np.uint8)
    ids[:, 32:] = 7
    crop = choose(STORED, (256, 256), 0.5, 0.5)
    shown = nearest(ids, WHOLE, crop, 255)
    edge = 320 * crop.scale - crop.left
    expected = np.where(np.arange(256) + 0.5 < edge, 0, 7)
    assert (shown == expected[None, :]).all()
    assert (nearest(ids, WHOLE, choose(STORED, (256, 256), 0.5, 0.5, True), 255) == expected[None, ::-1]).all()


def test_where_a_map_does_not_reach_there_is_nothing() -> None:
    box = (160.0, 0.0, 480.0, 480.0)
    crop = choose(STORED, (256, 192), 0.0, 0.0)
    inside = (np.arange(256) + 0.5) / crop.scale
    covered = (inside >= 160) & (inside <= 480)
    (shown,) = interpolated(np.ones((30, 20), np.float32), box, crop)
    assert (np.isfinite(shown) == covered[None, :]).all()
    labels = nearest(np.ones((30, 20), np.uint8), box, crop, 255)
    assert (labels == np.where(covered, 1, 255)[None, :]).all()


def test_a_pixel_with_a_missing_source_has_no_value() -> None:
    values = np.ones((48, 64, 3), np.float32)
    values[20:25, 30:35] = np.nan
    crop = choose(STORED, (256, 192), 0.0, 0.0)
    shown = np.dstack(interpolated(values, WHOLE, crop))
    missing = np.isnan(shown).all(axis=2)
    rows, columns = np.flatnonzero(missing.any(axis=1)), np.flatnonzero(missing.any(axis=0))
    per_cell = 256 / 64
    assert rows[0] >= 19 * per_cell and rows[-1] < 26 * per_cell and len(rows) >= 5 * per_cell
    assert columns[0] >= 29 * per_cell and columns[-1] < 36 * per_cell
    assert (shown[~missing] == 1).all()


def test_spots_are_where_they_are_made() -> None:
    np.testing.assert_allclose(centre(blob(64, 48, 20.25, 30.5, 4)), (20.25, 30.5), atol=0.01)


def test_cells_that_are_pixels_are_taken_as_they_are() -> None:
    values = np.random.default_rng(0).normal(size=(480, 640)).astype(np.float32)
    crop = choose(STORED, (480, 480), 0.5, 0.5)
    assert crop.scale == 1 and crop.left == 80
    (exact,) = interpolated(values, WHOLE, crop)
    np.testing.assert_array_equal(exact, values[:, 80:560])
    nearly = (1e-4, 0.0, 640.0 + 1e-4, 480.0)
    (read,) = interpolated(values, nearly, crop)
    np.testing.assert_allclose(read[:, 1:], exact[:, 1:], atol=0.05)

"""Windows: positions there and back, and pixels where the positions say."""

from __future__ import annotations

import numpy as np
import pytest

from annotators.pose.crops import Window, around, blur_outside, cut


@pytest.mark.parametrize("angle", [0.0, 0.7, -2.5, np.pi])
def test_positions_go_there_and_back(angle: float) -> None:
    window = Window(30, 50, 20, angle)
    points = np.array([[1.0, 2], [30, 50], [100, -4]])
    np.testing.assert_allclose(window.to_picture(window.to_crop(points)), points)
    np.testing.assert_allclose(window.to_picture(np.array([0.5, 0.5])), [30, 50])
    np.testing.assert_allclose(
        window.to_picture(np.array([1, 0.5])), [30 + 10 * np.cos(angle), 50 + 10 * np.sin(angle)]
    )


def test_a_window_of_whole_pixels_is_a_slice() -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    np.testing.assert_array_equal(cut(rgb, Window(20, 18, 16), 16), rgb[10:26, 12:28])


def test_a_window_around_a_box() -> None:
    assert around(np.array([10, 20, 30, 80]), 1.5) == Window(20, 50, 90)


@pytest.mark.parametrize("size", [16, 64, 200])
@pytest.mark.parametrize("angle", [0.0, 0.4, 2.0])
def test_a_mark_is_where_its_position_says(size: int, angle: float) -> None:
    """Small, equal and large crops of a smooth blob: its centre of mass is at the blob's place."""
    y, x = np.mgrid[0:160, 0:200] + 0.5
    place = np.array([117.0, 71.0])
    blob = 255 * np.exp(-((x - place[0]) ** 2 + (y - place[1]) ** 2) / (2 * 9**2))
    rgb = np.repeat(blob[:, :, None], 3, axis=2).astype(np.uint8)
    window = Window(110, 80, 100, angle)
    crop = cut(rgb, window, size)[:, :, 0].astype(float)
    rows, columns = np.mgrid[0:size, 0:size] + 0.5
    center = np.array([(columns * crop).sum(), (rows * crop).sum()]) / crop.sum() / size
    np.testing.assert_allclose(window.to_picture(center), place, atol=0.35)


def test_outside_the_picture_is_black() -> None:
    rgb = np.full((20, 20, 3), 200, np.uint8)
    crop = cut(rgb, Window(0, 0, 20), 20)
    assert (crop[:9] == 0).all() and (crop[:, :9] == 0).all() and (crop[11:, 11:] == 200).all()
    assert (cut(rgb, Window(500, 500, 20), 8) == 0).all()


def test_only_the_outside_is_blurred() -> None:
    crop = np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    blurred = blur_outside(crop, np.array([0.25, 0.25, 0.75, 0.75]), 9)
    np.testing.assert_array_equal(blurred[16:48, 16:48], crop[16:48, 16:48])
    assert blurred[:16].std() < crop[:16].std() / 3

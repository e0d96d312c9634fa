"""Top-down crops: MMPose's formulas, positions there and back, and pixels where the positions say."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from annotators.pose.topdown import Crop, around

SIZE = (192, 256)


def mmpose_matrix(box: tuple[float, float, float, float]) -> np.ndarray:
    """(2, 3), picture to crop, both with pixel centres counted: the box's centre and scale, and the affine through the three
    points of MMPose's ``get_affine_transform``, for no rotation."""
    x0, y0, x1, y1 = box
    width, height = x1 - x0, y1 - y0
    if width > 0.75 * height:
        height = width / 0.75
    else:
        width = height * 0.75
    centre, wide = np.array([(x0 + x1) / 2, (y0 + y1) / 2]), 1.25 * width
    source = centre + np.array([(0, 0), (0, -wide / 2), (-wide / 2, -wide / 2)])
    target = [(96, 128), (96, 128 - 96), (0, 128 - 96)]
    return np.asarray(cv2.getAffineTransform(source.astype(np.float32), np.array(target, np.float32)))


@pytest.mark.parametrize("box", [(10, 20, 110, 320), (0, 0, 300, 100), (40.5, 60.25, 70.75, 100.5), (0, 0, 600, 800)])
def test_positions_are_those_of_mmpose(box: tuple[float, float, float, float]) -> None:
    crop, matrix = around(np.array(box), SIZE), mmpose_matrix(box)
    points = np.array([[0.0, 0], [63, 87], [250, 10], [-20, 500]])
    expected = points @ matrix[:, :2].T + matrix[:, 2]
    np.testing.assert_allclose(crop.to_crop(points + 0.5), expected, atol=1e-3)


@pytest.mark.parametrize(
    "box", [(10, 20, 110, 320), (5, 5, 6, 6), (5, 5, 5, 5), (0, 3, 4000, 3.001), (-7, -9, 900, 1200)]
)
def test_positions_go_there_and_back(box: tuple[float, float, float, float]) -> None:
    crop = around(np.array(box), SIZE)
    points = np.random.default_rng(0).uniform(-50, 5000, (100, 2))
    np.testing.assert_allclose(crop.to_picture(crop.to_crop(points)), points, rtol=0, atol=1e-6)
    assert crop.cut(np.zeros((40, 60, 3), np.uint8)).shape == (256, 192, 3)


def test_a_box_is_padded_on_all_sides() -> None:
    crop = around(np.array([100.0, 200, 250, 400]), SIZE)
    first, last = crop.to_picture(np.array([-0.5, -0.5])), crop.to_picture(np.array([191.5, 255.5]))
    np.testing.assert_allclose(last - first, [1.25 * 150, 1.25 * 200])
    assert (crop.x, crop.y) == (175, 300)


def test_a_crop_of_whole_pixels_is_a_slice() -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (400, 300, 3), dtype=np.uint8)
    np.testing.assert_array_equal(Crop(146, 168, 1.0, SIZE).cut(rgb), rgb[40:296, 50:242])


def test_what_lies_outside_the_picture_is_black() -> None:
    rgb = np.full((100, 100, 3), 200, np.uint8)
    shown = Crop(0, 50, 1.0, SIZE).cut(rgb)
    assert not shown[:, :95].any() and not shown[:77].any() and not shown[179:].any()
    assert (shown[79:177, 97:] == 200).all()


def test_the_crop_shows_a_dot_where_the_positions_say() -> None:
    rgb = np.zeros((300, 400, 3), np.uint8)
    cv2.circle(rgb, (150, 120), 9, (255, 255, 255), -1)
    crop = around(np.array([90.0, 40, 260, 290]), SIZE)
    shown = crop.cut(rgb)[:, :, 0].astype(float)
    rows, columns = np.indices(shown.shape)
    middle = np.array([(columns * shown).sum(), (rows * shown).sum()]) / shown.sum()
    np.testing.assert_allclose(crop.to_picture(middle), [150.5, 120.5], atol=0.05)

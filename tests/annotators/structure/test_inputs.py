"""What the network is shown: where the window lies, and what is drawn in it."""

from __future__ import annotations

import numpy as np
import pytest

from annotators.pose.crops import Window
from annotators.structure.inputs import CHANNELS, MARGIN, around_people, drawn_boxes, drawn_poses, in_window, planes
from schemas.skeletons import WHOLEBODY, WHOLEBODY_FLIP

LEFT, RIGHT, MIDDLE = 0, 1, 2


def person(**places: tuple[float, float]) -> np.ndarray:
    points = np.zeros((len(WHOLEBODY), 3))
    for name, place in places.items():
        points[WHOLEBODY.index(name)] = (*place, 1)
    return points


def test_the_window_is_a_square_around_all_people() -> None:
    window = around_people(np.array([[10.0, 20, 30, 80], [50, 40, 110, 60]]))
    assert (window.x, window.y, window.angle) == (60, 50, 0)
    assert window.side == pytest.approx(100 * MARGIN)


def test_limbs_lie_where_their_points_are_in_the_plane_of_their_side() -> None:
    points = person(left_shoulder=(0.5, 0.25), left_elbow=(0.75, 0.25), right_hip=(0.25, 0.5), right_knee=(0.25, 0.75))
    canvas = drawn_poses(points[None], 128)
    assert canvas[32, 64:96, LEFT].min() > 100 and canvas[64:96, 32, RIGHT].min() > 100
    assert canvas[:, :, MIDDLE].max() == 0
    rows, columns = np.nonzero(canvas.max(axis=2))
    assert (rows.min(), columns.max()) >= (30, 60) and columns.max() <= 98 and rows.max() <= 98


def test_a_mirrored_pose_is_drawn_as_the_mirrored_drawing_with_sides_exchanged() -> None:
    rng = np.random.default_rng(3)
    points = np.concatenate([rng.uniform(0.2, 0.8, (len(WHOLEBODY), 2)), np.ones((len(WHOLEBODY), 1))], axis=1)
    points[list(range(23, 133)), 2] = 0
    mirrored = points[list(WHOLEBODY_FLIP)] * (-1, 1, 1) + (1, 0, 0)
    there, here = drawn_poses(mirrored[None], 96), drawn_poses(points[None], 96)[:, ::-1, [RIGHT, LEFT, MIDDLE]]
    assert np.abs(there.astype(int) - here).mean() < 6


def test_nothing_is_drawn_through_the_air_beside_the_neck() -> None:
    points = person(left_ear=(0.5, 0.2), left_shoulder=(0.75, 0.5), left_elbow=(0.75, 0.9))
    canvas = drawn_poses(points[None], 64)
    assert canvas[40:50, 48].max() > 0 and canvas[:28].max() == 0


@pytest.mark.parametrize("lost", [0.29, np.nan])
def test_points_that_are_not_sure_are_not_drawn(lost: float) -> None:
    points = person(left_shoulder=(0.5, 0.25), left_elbow=(0.75, 0.25))
    points[WHOLEBODY.index("left_elbow"), 2] = lost
    assert drawn_poses(points[None], 64).max() == 0


def test_points_far_outside_the_window_do_no_harm() -> None:
    points = person(left_shoulder=(0.5, 0.5), left_elbow=(1e12, -1e12))
    assert drawn_poses(points[None], 64).shape == (64, 64, 3)


def test_boxes_are_filled_to_the_pixel_and_cut_at_the_window() -> None:
    canvas = drawn_boxes(np.array([[0.25, 0.5, 0.5, 0.75], [0.9, -1, 2, 0.1]]), 40)
    assert canvas[20:30, 10:20].min() == 255 and canvas[0:4, 36:].min() == 255
    assert (canvas > 0).sum() == 100 + 16


def test_places_are_told_in_fractions_of_the_window() -> None:
    points, boxes = in_window(Window(50, 60, 20), [person(nose=(45.0, 65.0)).ravel()], np.array([[40.0, 50, 60, 70]]))
    np.testing.assert_allclose(points[0, WHOLEBODY.index("nose")], (0.25, 0.75, 1))
    np.testing.assert_allclose(boxes, [[0, 0, 1, 1]])


def test_planes_are_in_the_order_that_the_network_knows() -> None:
    side = 32
    rgb = np.full((side, side, 3), (0, 128, 255), np.uint8)
    made = planes(rgb, np.full((side, side), 0.5), person(nose=(0.5, 0.5))[None], np.array([[0.0, 0, 1, 1]]))
    assert made.shape == (CHANNELS, side, side) and made.dtype == np.float32
    np.testing.assert_allclose(made[:, 0, 0], (-2, 0, 255 / 64 - 2, 0, 0, 0, 0.5, 1))

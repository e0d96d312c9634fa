"""Pictures at the size a network wants them, and maps at the size they are stored in."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotators.maps import OPENCV_TO_LAYER, bounded, people_in, resized, unit, working_size
from humanverse.codec.maps import encode_segmentation


@pytest.mark.parametrize(
    ("picture", "shown"),
    [
        ((640, 480), (512, 384)),
        ((480, 640), (384, 512)),
        ((384, 384), (384, 384)),
        ((1000, 667), (576, 384)),
        ((4000, 500), (1536, 192)),
        ((9000, 9), (1536, 32)),
    ],
)
def test_the_shorter_side_decides_unless_the_longer_is_too_long(
    picture: tuple[int, int], shown: tuple[int, int]
) -> None:
    assert working_size(picture, 384, 32) == shown


@given(st.integers(1, 6000), st.integers(1, 6000))
def test_both_sides_are_multiples_and_proportions_are_kept(width: int, height: int) -> None:
    shown = working_size((width, height), 384, 32)
    assert all(side >= 32 and side % 32 == 0 for side in shown) and max(shown) <= 1536
    scale = min(384 / min(width, height), 1536 / max(width, height))
    assert all(abs(side - max(32.0, own * scale)) <= 16 for side, own in zip(shown, (width, height), strict=True))


def test_a_resized_ramp_stays_a_ramp() -> None:
    ramp = np.repeat(np.tile(np.arange(200, dtype=np.uint8), (100, 1))[:, :, None], 3, axis=2)
    small = resized(ramp, (50, 25))
    assert small.shape == (25, 50, 3) and small.dtype == np.uint8
    np.testing.assert_allclose(small[10, 2:-2, 0], np.arange(2, 48) * 4 + 1.5, atol=1)


def test_large_maps_are_averaged_and_small_ones_are_left_alone() -> None:
    y, x = np.mgrid[0:384, 0:768].astype(np.float32)
    ramps = np.stack([x, y], axis=2)
    small = bounded(ramps, 512)
    assert small.shape == (256, 512, 2)
    np.testing.assert_allclose(small[100, :, 0], np.arange(512) * 1.5 + 0.25, atol=0.1)
    np.testing.assert_allclose(small[:, 100, 1], np.arange(256) * 1.5 + 0.25, atol=0.1)
    assert bounded(ramps, 768) is ramps
    assert bounded(np.ones((3000, 2), np.float32), 512).shape == (512, 1)


def test_units_have_length_one_and_no_direction_is_none() -> None:
    vectors = np.array([[[0, 0, -3], [1, 1, 1], [0, 0, 1e-6]]], dtype=np.float32)
    made = unit(vectors)
    np.testing.assert_allclose(made[0, 0], [0, 0, -1])
    np.testing.assert_allclose(np.linalg.norm(made[0, 1]), 1, rtol=1e-6)
    assert np.isnan(made[0, 2]).all() and made.dtype == np.float32


def test_a_wall_a_floor_and_a_ceiling_of_opencv_come_out_in_the_frame_of_layers() -> None:
    wall, floor, ceiling, right = np.array([[0, 0, -1], [0, -1, 0], [0, 1, 0], [1, 0, 0]]) * OPENCV_TO_LAYER
    np.testing.assert_array_equal([wall, floor, ceiling, right], [[0, 0, 1], [0, 1, 0], [0, -1, 0], [1, 0, 0]])


def test_people_are_where_the_segmentation_has_parts() -> None:
    ids = np.zeros((4, 8), np.uint8)
    ids[:, 4:], ids[0] = 3, 255
    row = {"map": encode_segmentation(ids)[0], "map_box": [0.0, 0.0, 80.0, 40.0]}
    same = people_in(row, [0, 0, 80, 40], (4, 8))
    assert (same == ((ids != 0) & (ids != 255))).all()
    fine = people_in(row, [0, 0, 80, 40], (40, 80))
    assert (fine == np.kron(same, np.ones((10, 10), bool))).all()
    assert not people_in({**row, "map_box": [0.0, 0.0, 40.0, 40.0]}, [40, 0, 80, 40], (4, 4)).any()
    part = people_in(row, [30, 10, 50, 30], (2, 2))
    assert part.tolist() == [[False, True], [False, True]]

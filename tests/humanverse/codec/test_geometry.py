import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from humanverse.codec.geometry import plan
from schemas.recipe import ImageSettings

MODES = ["no", "keep_ratio", "keep_ratio_largest", "center_crop", "border"]


@pytest.mark.parametrize(
    "resize, only_shrink, size, canvas",
    [
        ("no", False, 10, (400, 200)),
        ("keep_ratio", True, 100, (200, 100)),
        ("keep_ratio_largest", True, 100, (100, 50)),
        ("center_crop", True, 100, (100, 100)),
        ("border", True, 100, (100, 100)),
        ("keep_ratio", True, 300, (400, 200)),
        ("keep_ratio_largest", True, 500, (400, 200)),
        ("center_crop", True, 300, (400, 200)),
        ("border", True, 500, (400, 200)),
        ("keep_ratio", False, 300, (600, 300)),
        ("keep_ratio_largest", False, 500, (500, 250)),
        ("center_crop", False, 300, (300, 300)),
        ("border", False, 500, (500, 500)),
    ],
)
def test_sizes_are_those_of_img2dataset(resize, only_shrink, size, canvas):
    way = plan(400, 200, ImageSettings(resize=resize, size=size, only_shrink=only_shrink))
    assert way.canvas == canvas


def test_a_crop_shows_the_middle():
    assert plan(400, 200, ImageSettings(resize="center_crop", size=100)).original_box == (100, 0, 300, 200)


def test_a_border_reaches_outside_the_original():
    way = plan(400, 200, ImageSettings(resize="border", size=100))
    assert way.original_box == (0, -100, 400, 300)
    assert way.offset == (0, 25) and way.inner == (100, 50)


@pytest.mark.parametrize("resize", MODES)
def test_a_picture_that_has_the_size_already_is_left_alone(resize):
    for only_shrink in (True, False):
        assert plan(64, 64, ImageSettings(resize=resize, size=64, only_shrink=only_shrink)).changes_nothing


@settings(deadline=None, derandomize=True, database=None)
@given(st.sampled_from(MODES), st.integers(1, 5000), st.integers(1, 5000), st.integers(1, 600), st.booleans())
def test_every_plan_is_consistent(resize, width, height, size, only_shrink):
    way = plan(width, height, ImageSettings(resize=resize, size=size, only_shrink=only_shrink))
    x0, y0, x1, y1 = way.box
    assert 0 <= x0 < x1 <= width and 0 <= y0 < y1 <= height
    assert min(way.inner) >= 1
    assert all(0 <= way.offset[i] <= way.canvas[i] - way.inner[i] for i in (0, 1))
    left, top, right, bottom = way.original_box
    across, down = (right - left) / way.canvas[0], (bottom - top) / way.canvas[1]
    assert left + way.offset[0] * across == pytest.approx(x0, abs=1e-6)
    assert top + (way.offset[1] + way.inner[1]) * down == pytest.approx(y1, abs=1e-6)
    if only_shrink:
        assert way.canvas[0] <= max(width, size) and way.canvas[1] <= max(height, size)

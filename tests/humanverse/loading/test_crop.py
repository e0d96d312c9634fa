"""A drawn point stays where its keypoint is, however the picture is scaled, cropped and mirrored."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from humanverse.codec import encode_jpeg
from humanverse.loading.crop import choose, cropped
from schemas.skeletons import WHOLEBODY, WHOLEBODY_FLIP


def blob(width: int, height: int, x: float, y: float, radius: float) -> np.ndarray:
    """float (height, width), 0 to 1: a soft round spot whose centre is at (x, y) in pixels, (0, 0) the top left corner."""
    down, across = np.mgrid[0:height, 0:width] + 0.5
    return np.exp(-((across - x) ** 2 + (down - y) ** 2) / (2 * radius**2))


def centre(values: np.ndarray) -> tuple[float, float]:
    """Where the middle of the bright pixels is, in pixels."""
    weights = np.clip(values - values.max() / 4, 0, None)
    down, across = np.mgrid[0 : values.shape[0], 0 : values.shape[1]] + 0.5
    return float((across * weights).sum() / weights.sum()), float((down * weights).sum() / weights.sum())


def at(x: float, y: float) -> np.ndarray:
    """Keypoints of one person, all at one place."""
    return np.tile(np.array([x, y, 1.0]), (1, len(WHOLEBODY), 1))


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize(
    ("stored", "size"),
    [((640, 480), (256, 256)), ((200, 300), (256, 256)), ((333, 501), (192, 320)), ((1600, 1200), (256, 192))],
)
def test_a_drawn_point_stays_at_its_keypoint(stored: tuple[int, int], size: tuple[int, int], mirrored: bool) -> None:
    x, y = stored[0] * 0.47, stored[1] * 0.53
    crop = choose(stored, size, 0.3, 0.6, mirrored)
    spot = blob(*stored, x, y, 6 / crop.scale)
    jpeg = encode_jpeg(np.repeat((spot * 250)[:, :, None], 3, axis=2).astype(np.uint8), 95)
    shown = cropped(jpeg, crop)
    assert shown.shape == (size[1], size[0], 3)
    moved = crop.points(at(x, y))[0, 0]
    np.testing.assert_allclose(centre(shown[:, :, 0].astype(float)), moved[:2], atol=0.15)


@settings(max_examples=200, deadline=None)
@given(
    stored=st.tuples(st.integers(8, 900), st.integers(8, 900)),
    size=st.sampled_from([(512, 512), (256, 512), (576, 448)]),
    across=st.floats(0, 1, exclude_max=True),
    down=st.floats(0, 1, exclude_max=True),
)
def test_a_crop_lies_in_the_picture_and_touches_two_of_its_edges(
    stored: tuple[int, int], size: tuple[int, int], across: float, down: float
) -> None:
    crop = choose(stored, size, across, down)
    x0, y0, x1, y1 = crop.box
    assert 0 <= x0 < x1 <= stored[0] and 0 <= y0 < y1 <= stored[1]
    assert (x1 - x0) / size[0] == pytest.approx((y1 - y0) / size[1], rel=1e-6)
    whole_width, whole_height = abs(x1 - x0 - stored[0]) < 1e-6, abs(y1 - y0 - stored[1]) < 1e-6
    assert whole_width or whole_height


def test_every_place_of_the_crop_comes() -> None:
    found = {choose((640, 480), (240, 240), share / 1000, 0.5).left for share in range(1000)}
    assert found == set(range(81))


def test_of_a_mirrored_picture_slots_change_sides_and_the_corner_is_counted_from_the_other_end() -> None:
    points = at(0, 0)
    points[0, :, 0] = np.arange(len(WHOLEBODY))
    plain, mirrored = choose((640, 480), (240, 240), 0.25, 0.5), choose((640, 480), (240, 240), 0.25, 0.5, True)
    one, other = plain.points(points)[0], mirrored.points(points)[0]
    np.testing.assert_allclose(other[:, 0], 240 - one[list(WHOLEBODY_FLIP), 0])
    assert plain.corner == (0, 20) and mirrored.corner == (0, 60)


def test_a_picture_of_another_size_than_its_row_says_is_refused() -> None:
    jpeg = encode_jpeg(np.zeros((100, 120, 3), np.uint8), 90)
    with pytest.raises(ValueError, match="its row says 640x480"):
        cropped(jpeg, choose((640, 480), (256, 256), 0, 0))
    with pytest.raises(ValueError, match="not a JPEG"):
        cropped(b"nothing", choose((640, 480), (256, 256), 0, 0))

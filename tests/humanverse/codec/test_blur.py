"""What is blurred cannot be recognised, and nothing else is touched."""

import numpy as np
import pytest

from humanverse.codec.blur import CELLS, Ellipse, blur
from tests.humanverse.codec.pictures import noise, smooth

REGION = Ellipse(80.0, 60.0, 30.0, 40.0)


def grid(width, height):
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([x + 0.5, y + 0.5], axis=2)


def test_nothing_but_the_region_is_touched_and_the_argument_is_not():
    pixels = noise(160, 120)
    before = pixels.copy()
    blurred = blur(pixels, [REGION])
    assert (pixels == before).all()
    wider = Ellipse(REGION.x, REGION.y, REGION.a + 2, REGION.b + 2)
    outside = ~wider.contains(grid(160, 120))
    assert (blurred[outside] == pixels[outside]).all()
    inside = REGION.contains(grid(160, 120))
    assert (blurred[inside] != pixels[inside]).any(axis=-1).mean() > 0.99


def test_what_is_finer_than_the_squares_is_gone():
    pixels = noise(160, 120)
    inside = REGION.contains(grid(160, 120))
    left = blur(pixels, [REGION])[inside].astype(float).std(axis=0)
    assert (left < 0.15 * pixels[inside].astype(float).std(axis=0)).all()


def test_two_pictures_with_the_same_means_look_alike_afterwards():
    cell = round(2 * REGION.a / CELLS)
    y, x = np.mgrid[0:120, 0:160]
    stripes = np.repeat((x // 2 % 2 * 200 + 20)[..., None], 3, axis=2).astype(np.uint8)
    checks = np.repeat(((x // 2 + y // 2) % 2 * 200 + 20)[..., None], 3, axis=2).astype(np.uint8)
    one, other = (blur(pixels, [REGION]).astype(int) for pixels in (stripes, checks))
    inside = REGION.contains(grid(160, 120))
    assert cell >= 4
    assert np.abs(one - other)[inside].mean() < 15
    assert np.abs(stripes.astype(int) - checks)[inside].mean() > 90


def test_the_mean_colour_stays():
    pixels = smooth(160, 120)
    inside = REGION.contains(grid(160, 120))
    assert blur(pixels, [REGION])[inside].mean(axis=0) == pytest.approx(pixels[inside].mean(axis=0), abs=3)


def test_a_tiny_region_is_blurred_too():
    pixels = noise(64, 64)
    tiny = Ellipse(32, 32, 4, 4)
    inside = tiny.contains(grid(64, 64))
    assert blur(pixels, [tiny])[inside].astype(float).std() < 0.5 * pixels[inside].astype(float).std()


@pytest.mark.parametrize("region", [Ellipse(-100, 20, 10, 10), Ellipse(20, 500, 10, 10)])
def test_a_region_beside_the_picture_changes_nothing(region):
    pixels = noise(64, 48)
    assert (blur(pixels, [region]) == pixels).all()


@pytest.mark.parametrize("x", [0, 63])
def test_a_region_across_the_edge_is_blurred_as_far_as_it_reaches(x):
    pixels = noise(64, 48)
    region = Ellipse(x, 24, 20, 20)
    inside = region.contains(grid(64, 48))
    assert inside.any()
    assert blur(pixels, [region])[inside].astype(float).std() < 0.4 * pixels[inside].astype(float).std()


def test_a_turned_ellipse_lies_where_it_says():
    region = Ellipse(50, 50, 30, 10, np.pi / 4)
    along = np.array([[50 + 20, 50 + 20], [50 - 20, 50 - 20]], float)
    across = np.array([[50 + 20, 50 - 20], [50 - 20, 50 + 20]], float)
    assert region.contains(along).all()
    assert not region.contains(across).any()
    assert region.extent == pytest.approx((np.hypot(30, 10) / np.sqrt(2),) * 2)
    pixels = noise(100, 100)
    changed = (blur(pixels, [region]) != pixels).any(axis=-1)
    assert changed[70, 70]
    assert not changed[30, 70]

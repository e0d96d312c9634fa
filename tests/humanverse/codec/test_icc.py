import numpy as np
import pytest
from PIL import Image

from humanverse.codec import icc
from tests.humanverse.codec.pictures import DISPLAY_P3, matrix_profile, noise, srgb_profile

P3 = matrix_profile(DISPLAY_P3, 2.2)
SRGB_PRIMARIES = ((0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.71410))


def one_pixel(colour):
    return Image.new("RGB", (1, 1), colour)


def test_srgb_is_recognised_by_what_it_does():
    assert icc.is_srgb("RGB", srgb_profile())
    assert icc.is_srgb("RGB", None)
    assert icc.is_srgb("L", srgb_profile())
    assert not icc.is_srgb("RGB", P3)


def test_an_srgb_profile_changes_no_pixel():
    image = Image.fromarray(noise(20, 20))
    assert icc.to_srgb(image, srgb_profile()) is image


def test_the_name_of_a_profile_does_not_matter():
    liar = P3.replace(b"test\0", b"sRGB\0")
    assert liar != P3 and not icc.is_srgb("RGB", liar)


def srgb_by_matrices(colour, primaries, gamma):
    """The same conversion by hand: IEC 61966-2-1's curve, and both sets of primaries adapted to D50."""
    xyz = np.array(primaries).T @ ((np.array(colour) / 255) ** gamma)
    linear = np.clip(np.linalg.solve(np.array(SRGB_PRIMARIES).T, xyz), 0, 1)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return tuple(float(value) for value in encoded * 255)


@pytest.mark.parametrize("colour", [(255, 0, 0), (200, 100, 50), (90, 160, 120), (0, 255, 255), (17, 17, 80)])
def test_display_p3_becomes_srgb(colour):
    moved = icc.to_srgb(one_pixel(colour), P3).getpixel((0, 0))
    assert moved == pytest.approx(srgb_by_matrices(colour, DISPLAY_P3, 2.2), abs=2)


def test_greys_stay_grey_under_a_display_profile():
    red, green, blue = icc.to_srgb(one_pixel((128, 128, 128)), P3).getpixel((0, 0))
    assert max(red, green, blue) - min(red, green, blue) <= 1


def test_a_grey_profile_is_applied_to_grey_pixels():
    dark = matrix_profile((), 1.0, space=b"GRAY")
    linear = Image.fromarray(np.full((1, 1), 55, np.uint8))
    shown = icc.to_srgb(linear, dark).convert("RGB").getpixel((0, 0))
    assert shown == pytest.approx((128, 128, 128), abs=2)
    assert not icc.is_srgb("L", dark)


def test_an_rgb_profile_on_grey_pixels_is_applied_to_the_greys():
    linear = matrix_profile(SRGB_PRIMARIES, 1.0)
    shown = icc.to_srgb(Image.fromarray(np.full((1, 1), 55, np.uint8)), linear).getpixel((0, 0))
    assert shown == pytest.approx((128, 128, 128), abs=2)


@pytest.mark.parametrize("profile", [b"", b"junk", P3[:100], P3[:140] + bytes(len(P3) - 140)])
def test_a_broken_profile_is_ignored(profile):
    image = Image.fromarray(noise(4, 4))
    assert icc.to_srgb(image, profile) is image
    assert icc.is_srgb("RGB", profile)


def test_a_profile_for_other_pixels_is_ignored():
    grey = matrix_profile((), 1.8, space=b"GRAY")
    assert icc.is_srgb("RGB", grey)
    assert icc.is_srgb("CMYK", P3)


def test_a_long_profile_is_judged_like_a_short_one():
    longer = P3 + bytes(100_000)
    longer = len(longer).to_bytes(4, "big") + longer[4:]
    assert not icc.is_srgb("RGB", longer)

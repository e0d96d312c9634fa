from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from humanverse.codec.colour import to_rgb
from tests.humanverse.codec.pictures import DISPLAY_P3, matrix_profile, noise, saved, smooth

WHITE, PINK = (255, 255, 255), (255, 0, 128)
RAMP = np.arange(256, dtype=np.uint8)[None, :]


def shown(image, background=WHITE, profile=None, bits=16):
    result = to_rgb(image, background, profile, bits)
    assert result.mode == "RGB" and result.size == image.size
    return np.asarray(result)


def reopened(image, format_name, **options):
    result = Image.open(BytesIO(saved(image, format_name, **options)))
    result.load()
    return result


def grey(values):
    return np.repeat(np.asarray(values, np.uint8)[..., None], 3, axis=2)


def test_plain_modes():
    pixels = noise(6, 5)
    image = Image.fromarray(pixels)
    assert np.array_equal(shown(image), pixels)
    assert np.array_equal(shown(Image.fromarray(RAMP)), grey(RAMP))
    assert np.array_equal(shown(Image.fromarray(RAMP > 127)), grey(np.where(RAMP > 127, 255, 0)))
    assert np.array_equal(shown(image.quantize(30)), np.asarray(image.quantize(30).convert("RGB")))


@pytest.mark.parametrize("mode", ["YCbCr", "HSV", "RGBX", "CMYK"])
def test_other_colour_spaces_come_back(mode):
    pixels = smooth(16, 16)
    assert np.abs(shown(Image.fromarray(pixels).convert(mode)).astype(int) - pixels).max() <= 6


def test_lab_is_converted():
    lab = Image.frombytes("LAB", (2, 1), bytes([255, 0, 0, 0, 0, 0]))
    lightest, darkest = shown(lab)[0]
    assert lightest.min() >= 250 and darkest.max() <= 5


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA", "RGBa", "La"])
def test_alpha_shows_the_background(mode):
    image = Image.new("RGBA", (3, 1), (0, 0, 0, 255))
    image.putpixel((1, 0), (0, 0, 0, 0))
    image.putpixel((2, 0), (0, 0, 0, 128))
    base = image.convert("LA") if mode in ("LA", "La") else image
    opaque, clear, half = shown(base.convert(mode), background=PINK)[0]
    assert tuple(opaque) == (0, 0, 0) and tuple(clear) == PINK
    assert half == pytest.approx((127, 0, 64), abs=1)


@pytest.mark.parametrize(
    "image, key",
    [
        (Image.fromarray(np.array([[10, 20]], np.uint8)), 20),
        (Image.fromarray(np.array([[[10, 10, 10], [1, 2, 3]]], np.uint8)), (1, 2, 3)),
        (Image.fromarray(np.array([[2570, 20000]], np.uint16)), 20000),
    ],
)
def test_a_colour_that_stands_for_transparent(image, key):
    opaque, clear = shown(reopened(image, "PNG", transparency=key), background=PINK)[0]
    assert tuple(opaque) == (10, 10, 10) and tuple(clear) == PINK


def test_a_palette_with_transparency():
    image = Image.new("P", (3, 1))
    image.putpalette([0, 0, 0, 200, 0, 0, 0, 200, 0])
    image.putdata([0, 1, 2])
    for transparency in (1, bytes([255, 0, 255])):
        first, clear, last = shown(reopened(image, "PNG", transparency=transparency), background=PINK)[0]
        assert (tuple(first), tuple(clear), tuple(last)) == ((0, 0, 0), PINK, (0, 200, 0))


@pytest.mark.parametrize("mode", ["I;16", "I;16B"])
def test_sixteen_bits_are_scaled_not_clipped(mode):
    samples = RAMP.astype("<u2" if mode == "I;16" else ">u2") * np.array(257, "<u2")
    image = Image.frombytes(mode, (256, 1), samples.astype("<u2" if mode == "I;16" else ">u2").tobytes())
    assert np.array_equal(shown(image), grey(RAMP))


def test_twelve_bits_in_sixteen():
    image = Image.fromarray(np.array([[0, 2048, 4095]], np.uint16))
    assert shown(image, bits=12)[0, :, 0].tolist() == [0, 128, 255]


@pytest.mark.parametrize(
    "samples, expected",
    [
        ([0, 100, 255], [0, 100, 255]),
        ([0, 32768, 65535], [0, 128, 255]),
        ([-100, 0, 100], [0, 128, 255]),
        ([0, 1_000_000, 2_000_000], [0, 128, 255]),
        ([-5, -5, -5], [0, 0, 0]),
    ],
)
def test_integers_of_32_bits(samples, expected):
    image = Image.fromarray(np.array([samples], np.int32))
    assert shown(image)[0, :, 0] == pytest.approx(expected, abs=1)


@pytest.mark.parametrize(
    "samples, expected",
    [
        ([0.0, 0.5, 1.0], [0, 128, 255]),
        ([0.0, 100.0, 255.0], [0, 100, 255]),
        ([-1.0, 0.0, 1.0], [0, 128, 255]),
        ([0.0, 5000.0, 10000.0], [0, 128, 255]),
        ([np.nan, 1.0, 0.0], [0, 255, 0]),
        ([np.inf, 1.0, 0.5], [128, 255, 128]),
        ([np.nan, np.nan, -np.inf], [0, 0, 0]),
        ([-3e38, 0.0, 3e38], [0, 128, 255]),
    ],
)
def test_floats(samples, expected):
    image = Image.fromarray(np.array([samples], np.float32))
    assert shown(image)[0, :, 0] == pytest.approx(expected, abs=1)


def test_the_profile_is_applied_under_alpha():
    profile = matrix_profile(DISPLAY_P3, 2.2)
    plain = Image.new("RGB", (2, 1), (200, 100, 50))
    with_alpha = plain.copy()
    with_alpha.putalpha(Image.fromarray(np.array([[255, 0]], np.uint8)))
    moved, clear = shown(with_alpha, background=PINK, profile=profile)[0]
    assert tuple(moved) == tuple(shown(plain, profile=profile)[0, 0]) != (200, 100, 50)
    assert tuple(clear) == PINK

import numpy as np
import pytest
from PIL import Image

from humanverse.codec import decode_rgb, encode_jpeg, prepare
from humanverse.codec.jpeg import decode_part
from schemas.ledger import Failure
from schemas.recipe import ImageSettings
from tests.humanverse.codec.pictures import exif, marked, noise, pillow_rgb, saved, smooth


def test_a_smooth_picture_survives_encoding():
    pixels = smooth(65, 43)
    decoded = decode_rgb(encode_jpeg(pixels, 95))
    assert decoded.dtype == np.uint8 and decoded.shape == (43, 65, 3)
    assert np.abs(decoded.astype(int) - pixels).mean() < 1.5


def test_channels_are_red_green_blue():
    pixels = np.zeros((16, 16, 3), np.uint8)
    pixels[...] = (250, 120, 10)
    assert np.abs(decode_rgb(encode_jpeg(pixels, 95)).astype(int) - pixels).max() < 4


def test_quality_costs_bytes():
    pixels = noise(64, 64)
    assert len(encode_jpeg(pixels, 40)) < len(encode_jpeg(pixels, 95))


def test_decoding_agrees_with_pillow_bit_by_bit():
    data = saved(noise(77, 51), "JPEG", quality=80)
    assert np.array_equal(decode_rgb(data), pillow_rgb(data))


def test_grey_becomes_three_equal_channels():
    data = saved(smooth(32, 24)[..., 0], "JPEG")
    decoded = decode_rgb(data)
    assert decoded.shape == (24, 32, 3)
    assert np.array_equal(decoded[..., 0], decoded[..., 1]) and np.array_equal(decoded[..., 0], decoded[..., 2])


def test_an_orientation_tag_is_ignored():
    assert decode_rgb(saved(marked(40, 20), "JPEG", exif=exif(6))).shape == (20, 40, 3)


@pytest.mark.parametrize("data", [b"", b"\xff\xd8", b"\xff\xd8\xff\xe0", b"not a picture"])
def test_what_is_no_jpeg_is_an_error(data):
    with pytest.raises(ValueError, match="not a JPEG"):
        decode_rgb(data)


def test_other_formats_are_no_stored_pictures():
    with pytest.raises(ValueError, match="not a JPEG"):
        decode_rgb(saved(marked(8, 8), "PNG"))


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((4, 4, 3), np.float32),
        np.zeros((0, 4, 3), np.uint8),
        np.zeros((1, 65_501, 3), np.uint8),
    ],
)
def test_only_pictures_that_fit_are_encoded(pixels):
    with pytest.raises(ValueError):
        encode_jpeg(pixels, 90)


def test_an_error_in_the_middle_gives_no_pixels_that_nobody_has_written():
    """A scan of impossible coefficients: libjpeg gives up there, and what it has not decoded must not be shown."""
    data = bytearray(saved(noise(64, 48), "JPEG", progressive=True))
    second_scan = data.index(b"\xff\xda", data.index(b"\xff\xda") + 2)
    components = data[second_scan + 4]
    data[second_scan + 5 + 2 * components : second_scan + 7 + 2 * components] = bytes([20, 5])
    assert decode_part(bytes(data)) is None
    result = prepare(bytes(data), ImageSettings(resize="keep_ratio_largest", size=32))
    assert isinstance(result, Failure)
    assert result.reason == "corrupt"


def test_what_libjpeg_only_warns_of_is_left_to_the_other_decoder(capfd):
    data = saved(noise(64, 48), "JPEG")
    cut = data[: len(data) // 2] + b"\xff\xd9"
    assert decode_part(data) is not None
    assert decode_part(cut) is None
    assert np.array_equal(decode_rgb(cut), decode_rgb(cut))
    assert capfd.readouterr() == ("", "")


def test_damage_that_makes_a_picture_enormous_is_an_error_like_any_other(monkeypatch):
    data = saved(noise(64, 48), "JPEG")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(ValueError, match="not a JPEG"):
        decode_rgb(data[: len(data) // 2] + b"\xff\xd9")


def test_a_picture_whose_end_is_missing_is_an_error():
    data = saved(noise(64, 48), "JPEG")
    with pytest.raises(ValueError, match="not a JPEG"):
        decode_rgb(data[: len(data) // 2])

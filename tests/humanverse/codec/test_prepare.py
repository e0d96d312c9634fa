import dataclasses
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps

from humanverse.codec import Prepared, decode_rgb, encode_jpeg, header_size, prepare
from humanverse.codec.jpeg_strip import strip
from schemas.ledger import Failure
from schemas.recipe import ImageSettings
from tests.humanverse.codec.pictures import (
    CORNERS,
    DATA,
    DISPLAY_P3,
    exif,
    marked,
    matrix_profile,
    needs_data,
    noise,
    pillow_rgb,
    saved,
    smooth,
    srgb_profile,
)

KEEP = ImageSettings()


def prepared(data, **settings):
    result = prepare(data, ImageSettings(**settings))
    assert isinstance(result, Prepared), result
    assert decode_rgb(result.jpeg).shape == (result.height, result.width, 3)
    assert header_size(data) == (result.original_width, result.original_height)
    return result


def tagged(name, value, pixels):
    return saved(pixels, name, **({"tiffinfo": {274: value}} if name == "TIFF" else {"exif": exif(value)}))


def assert_close(pixels, expected, tolerance=6.0):
    assert pixels.shape == expected.shape
    assert np.abs(pixels.astype(int) - expected).mean() < tolerance


def assert_clean(jpeg):
    """Nothing but JFIF and what decoding needs, and the pixels are those of the parsed stream."""
    assert strip(jpeg).jpeg == jpeg
    with Image.open(BytesIO(jpeg)) as image:
        assert not {"exif", "icc_profile", "xmp", "photoshop", "comment", "mp"} & set(image.info)


class TestJpegsThatStayAsTheyAre:
    @pytest.mark.parametrize(
        "options", [{}, {"progressive": True}, {"subsampling": 0}, {"icc_profile": srgb_profile()}]
    )
    def test_an_upright_jpeg_keeps_its_pixels(self, options):
        data = saved(noise(50, 34), "JPEG", exif=exif(1), **options)
        result = prepared(data)
        assert not result.reencoded and result.original_format == "jpeg"
        assert np.array_equal(decode_rgb(result.jpeg), pillow_rgb(data))
        assert_clean(result.jpeg)

    def test_a_profile_that_is_not_srgb_is_applied(self):
        pixels = np.full((32, 32, 3), (200, 100, 50), np.uint8)
        result = prepared(saved(pixels, "JPEG", quality=95, icc_profile=matrix_profile(DISPLAY_P3, 2.2)))
        assert result.reencoded
        red, green, blue = decode_rgb(result.jpeg).mean(axis=(0, 1))
        assert red > 210 and green < 98 and blue < 40
        assert_clean(result.jpeg)

    def test_a_broken_profile_is_dropped(self):
        assert not prepared(saved(noise(16, 16), "JPEG", icc_profile=b"broken")).reencoded

    def test_what_is_not_understood_is_encoded_anew(self):
        data = saved(noise(16, 16), "JPEG")
        result = prepared(data[:20] + b"junk" + data[20:])
        assert result.reencoded
        assert_clean(result.jpeg)

    @needs_data
    def test_photographs(self):
        kept = 0
        for path in sorted((DATA / "images").iterdir()):
            data = path.read_bytes()
            result = prepared(data)
            assert_clean(result.jpeg)
            if not result.reencoded:
                kept += 1
                before = pillow_rgb(data)
                assert np.array_equal(before, pillow_rgb(result.jpeg)), path.name
                assert np.array_equal(before, decode_rgb(result.jpeg)), path.name
                assert np.array_equal(before, decode_rgb(data)), path.name
            else:
                with Image.open(path) as image:
                    assert image.format != "JPEG" or image.info.get("icc_profile"), path.name
        assert kept > 50


class TestOrientation:
    @pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP", "TIFF"])
    @pytest.mark.parametrize("value", range(1, 9))
    def test_the_stored_picture_is_upright(self, name, value):
        data = tagged(name, value, marked(48, 32))
        with Image.open(BytesIO(data)) as image:
            expected = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
        result = prepared(data)
        assert result.original_orientation == value
        assert (result.original_width, result.original_height) == expected.shape[1::-1]
        assert_close(decode_rgb(result.jpeg), expected)
        assert_clean(result.jpeg)

    @pytest.mark.parametrize("value", [0, 9, 4711])
    def test_an_invalid_orientation_is_upright(self, value):
        result = prepared(saved(marked(48, 32), "JPEG", exif=exif(value)))
        assert result.original_orientation == 1 and not result.reencoded


class TestColours:
    def test_alpha_shows_the_background(self):
        image = Image.new("RGBA", (32, 32), (0, 0, 0, 0))
        result = prepared(saved(image, "PNG"), background=(10, 200, 30))
        assert_close(decode_rgb(result.jpeg), np.full((32, 32, 3), (10, 200, 30)), 3)

    def test_sixteen_bit_grey_is_not_white(self):
        ramp = np.tile(np.linspace(0, 65535, 64).astype(np.uint16), (16, 1))
        expected = np.repeat((ramp / 257)[..., None], 3, axis=2)
        for name in ("PNG", "TIFF", "PPM"):
            assert_close(decode_rgb(prepared(saved(ramp, name)).jpeg), expected, 3)

    def test_cmyk(self):
        pixels = smooth(40, 24)
        data = saved(Image.fromarray(pixels).convert("CMYK"), "JPEG", quality=95)
        result = prepared(data)
        assert result.reencoded
        assert_close(decode_rgb(result.jpeg), pixels)
        with Image.open(BytesIO(result.jpeg)) as image:
            assert image.mode == "RGB"

    @needs_data
    def test_cmyk_goes_through_its_profile(self):
        data = (DATA / "adversarial/files/Channel_digital_image_CMYK_color.jpg").read_bytes()
        shown = decode_rgb(prepared(data).jpeg)
        with Image.open(BytesIO(data)) as image:
            expected = ImageCms.profileToProfile(
                image,
                ImageCms.ImageCmsProfile(BytesIO(image.info["icc_profile"])),
                ImageCms.createProfile("sRGB"),
                renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
                outputMode="RGB",
                flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
            )
        assert_close(shown, np.asarray(expected), 3)
        assert np.abs(shown.astype(int) - pillow_rgb(data)).mean() > 8

    def test_a_palette_with_a_transparent_entry(self):
        image = Image.new("P", (32, 32), 1)
        image.putpalette([0, 0, 0, 200, 0, 0])
        result = prepared(saved(image, "GIF", transparency=1), background=(0, 0, 255))
        assert_close(decode_rgb(result.jpeg), np.full((32, 32, 3), (0, 0, 255)), 3)

    def test_grey_jpegs_stay_grey(self):
        result = prepared(saved(smooth(32, 24)[..., 0], "JPEG"))
        assert not result.reencoded


class TestResizing:
    @pytest.mark.parametrize("resize", ["keep_ratio", "keep_ratio_largest", "center_crop", "border"])
    @pytest.mark.parametrize("value", range(1, 9))
    @pytest.mark.parametrize("name", ["JPEG", "PNG"])
    def test_a_marked_place_ends_where_the_box_says(self, resize, value, name):
        """A bright square in a dark picture: its centre, sent through ``original_box``, is bright in the stored one."""
        upright = np.zeros((301, 203, 3), np.uint8)
        upright[120:140, 60:80] = 255
        raw = np.asarray(Image.fromarray(upright).transpose(UNDO[value])) if value > 1 else upright
        result = prepared(tagged(name, value, raw), resize=resize, size=100)
        assert (result.original_width, result.original_height) == (203, 301)
        x0, y0, x1, y1 = result.original_box
        across, down = (x1 - x0) / result.width, (y1 - y0) / result.height
        assert across == pytest.approx(down, rel=0.02)
        bright = decode_rgb(result.jpeg)[..., 0].astype(float)
        bright[bright < 40] = 0
        if resize == "border":
            bright[:, : int(np.ceil(-x0 / across)) + 1] = 0
            bright[:, int(np.floor((203 - x0) / across)) - 1 :] = 0
        y, x = (np.average(axis + 0.5, weights=bright) for axis in np.indices(bright.shape))
        assert x0 + x * across == pytest.approx(70, abs=1)
        assert y0 + y * down == pytest.approx(130, abs=1)

    def test_the_middle_of_a_crop(self):
        pixels = marked(300, 100)
        result = prepared(saved(pixels, "PNG"), resize="center_crop", size=50)
        assert result.original_box == (100, 0, 200, 100)
        quarters = decode_rgb(result.jpeg)[[10, 10, 40, 40], [10, 40, 10, 40]]
        assert_close(quarters, np.array(CORNERS), 12)

    def test_a_border_has_the_background(self):
        result = prepared(saved(marked(200, 100), "PNG"), resize="border", size=80, background=(0, 0, 200))
        assert (result.width, result.height) == (80, 80)
        shown = decode_rgb(result.jpeg)
        assert_close(shown[:16], np.full((16, 80, 3), (0, 0, 200)), 5)
        assert_close(shown[-16:], np.full((16, 80, 3), (0, 0, 200)), 5)

    def test_a_jpeg_shrunk_while_decoding_looks_like_one_shrunk_after(self):
        x, y = np.meshgrid(np.linspace(0, 40, 1203), np.linspace(0, 30, 901))
        pixels = np.stack([127 + 120 * np.sin(x), 127 + 120 * np.cos(y), 127 + 60 * np.sin(x + y)], -1).astype(np.uint8)
        by_jpeg = prepared(saved(pixels, "JPEG", quality=95), resize="keep_ratio", size=100)
        by_png = prepared(saved(pixels, "PNG"), resize="keep_ratio", size=100)
        assert (by_jpeg.width, by_jpeg.height) == (by_png.width, by_png.height) == (134, 100)
        assert_close(decode_rgb(by_jpeg.jpeg), decode_rgb(by_png.jpeg), 2)

    def test_small_pictures_are_enlarged_only_when_asked(self):
        data = saved(smooth(40, 30), "JPEG")
        kept = prepared(data, resize="keep_ratio", size=60)
        assert (kept.width, kept.height) == (40, 30) and not kept.reencoded
        enlarged = prepared(data, resize="keep_ratio", size=60, only_shrink=False)
        assert (enlarged.width, enlarged.height) == (80, 60) and enlarged.reencoded

    def test_quality_is_used(self):
        data = saved(noise(64, 64), "PNG")
        assert len(prepared(data, quality=30).jpeg) < len(prepared(data, quality=95).jpeg)


UNDO = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


class TestFailures:
    @pytest.mark.parametrize("name", ["JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "PPM", "JPEG2000"])
    @pytest.mark.parametrize("resize", ["no", "keep_ratio"])
    def test_a_file_cut_short_is_corrupt(self, name, resize):
        data = saved(noise(120, 90), name)
        result = prepare(data[: len(data) * 2 // 3], ImageSettings(resize=resize, size=10))
        assert isinstance(result, Failure) and result.reason == "corrupt" and result.detail
        assert "\n" not in result.detail

    def test_a_progressive_file_cut_short_is_corrupt(self):
        data = saved(noise(120, 90), "JPEG", progressive=True)
        for fraction in (0.3, 0.6, 0.95):
            result = prepare(data[: int(len(data) * fraction)], KEEP)
            assert isinstance(result, Failure) and result.reason == "corrupt"

    def test_the_cap_on_pixels(self):
        data = saved(marked(100, 50), "PNG")
        assert isinstance(prepare(data, ImageSettings(max_pixels=5000)), Prepared)
        assert prepare(data, ImageSettings(max_pixels=4999)) == Failure("too_many_pixels", "100x50")
        assert header_size(data) == (100, 50)

    def test_a_side_that_no_jpeg_can_have(self):
        result = prepare(saved(np.zeros((1, 66_000), np.uint8), "PNG"), KEEP)
        assert isinstance(result, Failure) and result.reason == "too_many_pixels" and "65500" in result.detail

    def test_enlarging_a_sliver_is_bounded(self):
        settings = ImageSettings(resize="keep_ratio", size=2000, only_shrink=False, max_pixels=1_000_000)
        result = prepare(saved(np.zeros((2, 60), np.uint8), "PNG"), settings)
        assert isinstance(result, Failure) and result.reason == "too_many_pixels"

    def test_what_is_no_picture(self):
        assert prepare(b"<html>no</html>", KEEP).reason == "not_an_image"
        assert header_size(b"<html>no</html>") is None
        assert header_size(b"") is None


class TestReliability:
    INPUTS = [
        saved(noise(90, 60), "JPEG", exif=exif(6)),
        saved(noise(90, 60), "PNG"),
        saved(noise(90, 60), "WEBP", lossless=True),
        saved(noise(90, 60), "JPEG", icc_profile=matrix_profile(DISPLAY_P3, 2.2)),
        saved(Image.fromarray(noise(90, 60)).convert("CMYK"), "TIFF"),
        saved(noise(90, 60), "JPEG")[:2000],
    ]

    def test_threads_give_what_one_thread_gives(self):
        settings = ImageSettings(resize="center_crop", size=40)
        alone = [prepare(data, settings) for data in self.INPUTS]
        with ThreadPoolExecutor(8) as pool:
            together = list(pool.map(lambda data: prepare(data, settings), self.INPUTS * 20))
        assert together == alone * 20

    def test_a_prepared_picture_prepared_again_is_itself(self):
        for data in self.INPUTS[:-1]:
            once = prepared(data)
            twice = prepared(once.jpeg)
            assert twice.jpeg == once.jpeg and not twice.reencoded

    def test_prepared_is_frozen(self):
        with pytest.raises(dataclasses.FrozenInstanceError):
            prepared(self.INPUTS[0]).width = 1


def likeness(path, ratio):
    """PSNR, in dB, to a Lanczos reduction of the whole: of the stored picture, and of whole pixels averaged."""
    with Image.open(path) as image:
        data = saved(np.asarray(image.convert("RGB")), "JPEG", quality=92)
        longer = max(image.size)
    result = prepare(data, ImageSettings(resize="keep_ratio_largest", size=round(longer / ratio)))
    size, whole = (result.width, result.height), pillow_rgb(data)
    wanted = np.asarray(Image.fromarray(whole).resize(size, Image.Resampling.LANCZOS)).astype(float)
    averaged = encode_jpeg(cv2.resize(whole, size, interpolation=cv2.INTER_AREA), 95)
    return [10 * np.log10(255**2 / np.mean((decode_rgb(shown) - wanted) ** 2)) for shown in (result.jpeg, averaged)]


@needs_data
def test_decoding_at_reduced_scale_keeps_pictures_sharp():
    """Just below half the size, averaging whole pixels comes up to 2 dB nearer; on the whole we do."""
    paths = sorted((DATA / "images").glob("*.jpg"))[:10]
    gains = []
    for ratio in (1.3, 1.7, 2.02, 2.15, 2.6, 3.3, 4.3):
        ours, averaged = np.mean([likeness(path, ratio) for path in paths], axis=0)
        gains.append(ours - averaged)
    assert min(gains) > -2
    assert np.mean(gains) > 0.25

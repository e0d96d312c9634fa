import pytest

from humanverse.codec import sniff
from tests.humanverse.codec.pictures import marked, saved

WRITTEN = {
    "JPEG": "jpeg",
    "PNG": "png",
    "GIF": "gif",
    "WEBP": "webp",
    "BMP": "bmp",
    "DIB": "dib",
    "TIFF": "tiff",
    "PPM": "ppm",
    "ICO": "ico",
    "AVIF": "avif",
    "JPEG2000": "jp2",
    "DDS": "dds",
    "SGI": "sgi",
    "MPO": "jpeg",
}


@pytest.mark.parametrize("pillow_name", WRITTEN)
def test_every_format_is_told_from_its_bytes(pillow_name):
    assert sniff(saved(marked(32, 32), pillow_name)) == WRITTEN[pillow_name]


def test_big_tiff_and_bare_codestream():
    assert sniff(saved(marked(8, 8), "TIFF", big_tiff=True)) == "tiff"
    assert sniff(saved(marked(8, 8), "JPEG2000", no_jp2=True)) == "jp2"


@pytest.mark.parametrize(
    "head, name",
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "heif"),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf", "avif"),
        (b"\xff\x0a\xfa\x1f", "jxl"),
        (b"8BPS\0\x01", "psd"),
        (b"P7\nWIDTH 4\n", "pam"),
    ],
)
def test_known_formats_that_need_not_be_decoded(head, name):
    assert sniff(head) == name


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"<!DOCTYPE html><html></html>",
        b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
        b"\x1f\x8b\x08\0\0\0\0\0",
        b'{"error": "not found"}',
        b"BMW builds cars, and this is text about them",
        b"P1 is where the car is parked",
        b"RIFF\x24\0\0\0WAVEfmt ",
        b"\0\0\0\x18ftypmp42\0\0\0\0isommp42",
        b"\0\x01\0\0\0\x0f\0\x80\0\x03\0p" + bytes(20),
        b"%!PS-Adobe-3.0 EPSF-3.0\n",
        b"\xd7\xcd\xc6\x9a" + bytes(18),
    ],
)
def test_what_is_no_raster_picture_has_no_format(data):
    assert sniff(data) is None


@pytest.mark.parametrize("pillow_name", WRITTEN)
def test_no_prefix_of_a_picture_raises(pillow_name):
    data = saved(marked(16, 16), pillow_name)
    assert {sniff(data[:length]) for length in range(64)} <= {None, WRITTEN[pillow_name]}

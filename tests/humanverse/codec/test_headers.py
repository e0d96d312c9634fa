import struct

import numpy as np
import pytest

from humanverse.codec import headers, orientation
from tests.humanverse.codec.pictures import exif, marked, noise, saved


@pytest.mark.parametrize(
    "options", [{"quality": 50}, {"lossless": True}, {"quality": 50, "exif": exif(6)}], ids=["VP8", "VP8L", "VP8X"]
)
def test_webp(options):
    assert headers.announced_size("webp", saved(marked(37, 21), "WEBP", **options)) == (37, 21)


def test_avif():
    assert headers.announced_size("avif", saved(marked(37, 21), "AVIF")) == (37, 21)


@pytest.mark.parametrize("bitmap", ["bmp", "png"])
def test_an_icon_states_its_largest_picture(bitmap):
    data = saved(marked(48, 48), "ICO", sizes=[(16, 16), (48, 48)], bitmap_format=bitmap)
    assert headers.announced_size("ico", data) == (48, 48)


def test_an_icon_is_measured_by_its_picture_and_not_by_its_directory():
    picture = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 50_000, 40_000)
    entry = struct.pack("<BBBBHHII", 16, 16, 0, 0, 1, 32, len(picture), 22)
    assert headers.announced_size("ico", b"\0\0\1\0\1\0" + entry + picture) == (50_000, 40_000)


def test_gif_canvas_and_a_frame_that_reaches_further():
    data = saved(marked(37, 21), "GIF", comment=b"words " * 100)
    assert headers.announced_size("gif", data) == (37, 21)
    frame = data.index(b",\0\0\0\0")
    moved = data[: frame + 1] + struct.pack("<HH", 5, 9) + data[frame + 5 :]
    assert headers.announced_size("gif", moved) == (42, 30)


@pytest.mark.parametrize("name", ["webp", "avif", "ico", "gif"])
def test_broken_headers_have_no_size(name):
    whole = saved(marked(16, 16), name.upper())
    sizes = {headers.announced_size(name, whole[:length]) for length in range(40)}
    assert sizes <= {None, (16, 16)}


def test_other_formats_are_left_to_their_decoders():
    assert headers.announced_size("png", saved(marked(8, 8), "PNG")) is None


@pytest.mark.parametrize("big", [False, True])
def test_a_normal_tiff_announces_less_than_it_holds(big):
    data = saved(noise(64, 64), "TIFF", big_tiff=big)
    assert 0 < headers.tiff_directory_bytes(data) <= len(data)


@pytest.mark.parametrize("order", "<>")
def test_entries_that_share_their_bytes_are_all_counted(order):
    entries = struct.pack(order + "HHII", 0x9000, 1, 900, 8) * 1000
    data = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "IH", 8, 1000) + entries
    assert headers.tiff_directory_bytes(data) == 900_000


def test_a_broken_tiff_announces_nothing():
    whole = saved(marked(8, 8), "TIFF")
    assert headers.tiff_directory_bytes(whole[:6]) == 0
    assert headers.tiff_directory_bytes(whole[:4] + b"\xff\xff\xff\xff" + whole[8:]) == 0


def test_exif_is_found_before_and_after_the_pixels():
    data = saved(marked(8, 8), "PNG", exif=exif(6))
    chunk = data.index(b"eXIf") - 4
    length = 12 + int.from_bytes(data[chunk : chunk + 4], "big")
    end = data.index(b"IEND") - 4
    moved = data[:chunk] + data[chunk + length : end] + data[chunk : chunk + length] + data[end:]
    assert headers.png_exif(moved) == headers.png_exif(data) == exif(6).removeprefix(b"Exif\0\0")
    assert headers.png_exif(saved(marked(8, 8), "PNG")) is None
    assert headers.png_exif(data[: chunk + 6]) is None


def test_a_chunk_that_is_longer_than_the_file_ends_the_search():
    data = saved(np.zeros((4, 4, 3), np.uint8), "PNG")
    assert headers.png_exif(data[:8] + b"\xff\xff\xff\xff" + data[12:]) is None


def test_a_jpegs_frame_and_exif_are_found_without_its_pixels():
    data = saved(marked(40, 30), "JPEG", exif=exif(6))
    head = data[: data.index(b"\xff\xda")]
    assert headers.jpeg_frame(data) == headers.jpeg_frame(head)
    size, block = headers.jpeg_frame(head)
    assert size == (40, 30)
    assert orientation.from_exif(block) == 6
    assert headers.jpeg_frame(saved(marked(40, 30), "JPEG", progressive=True)) == ((40, 30), None)


def test_a_jpeg_without_a_frame_has_none():
    data = saved(marked(40, 30), "JPEG")
    frame = data.index(b"\xff\xc0")
    no_height = data[: frame + 5] + b"\0\0" + data[frame + 7 :]
    for broken in (data[:frame], data[: frame + 6], data[:2] + b"\0" + data[2:], no_height, b"\xff\xd8" * 40, b""):
        assert headers.jpeg_frame(broken) is None

import struct

import numpy as np
import pytest
from PIL import Image, ImageOps

from humanverse.codec import orientation
from tests.humanverse.codec.pictures import exif, noise

ALL = range(1, 9)


def tiff_block(order: str, kind: int, value: int) -> bytes:
    magic = b"II*\0" if order == "<" else b"MM\0*"
    size = {1: "B3x", 3: "H2x", 4: "I"}.get(kind, "I")
    entries = struct.pack(order + "HHII", 0x010F, 2, 4, 0) + struct.pack(order + "HHI" + size, 0x0112, kind, 1, value)
    return magic + struct.pack(order + "IH", 8, 2) + entries + bytes(4)


@pytest.mark.parametrize("value", ALL)
def test_reads_what_pillow_wrote(value):
    assert orientation.from_exif(exif(value)) == value


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("kind", [1, 3, 4])
def test_both_byte_orders_and_all_integer_fields(order, kind):
    assert orientation.from_exif(tiff_block(order, kind, 6)) == 6
    assert orientation.from_exif(b"Exif\0\0" + tiff_block(order, kind, 8)) == 8


@pytest.mark.parametrize("value", [0, 9, 65535])
def test_an_invalid_orientation_counts_as_upright(value):
    assert orientation.from_exif(tiff_block("<", 3, value)) == 1


def test_broken_blocks_count_as_upright():
    whole = tiff_block(">", 3, 6)
    assert orientation.from_exif(None) == 1
    assert orientation.from_exif(whole[:8] + b"\xff\xff" + bytes(3)) == 1
    assert orientation.from_exif(whole[:4] + b"\xff\xff\xff\xff" + whole[8:]) == 1
    assert orientation.from_exif(tiff_block("<", 5, 6)) == 1
    assert {orientation.from_exif(whole[:end]) for end in range(len(whole))} <= {1, 6}


@pytest.mark.parametrize("value", ALL)
def test_upright_is_what_pillow_makes_of_it(value):
    image = Image.fromarray(noise(5, 3))
    tagged = image.copy()
    tagged.getexif()[0x0112] = value
    shown = orientation.upright(image, value)
    assert np.array_equal(np.asarray(shown), np.asarray(ImageOps.exif_transpose(tagged)))
    assert shown.size == orientation.sides(5, 3, value)


@pytest.mark.parametrize("value", ALL)
def test_a_box_cut_from_the_raw_picture_is_the_box_of_the_upright_one(value):
    raw = Image.fromarray(noise(9, 7))
    shown = orientation.upright(raw, value)
    box = (1, 2, 4, 6)
    raw_box = orientation.raw_box(box, *shown.size, value)
    cut = orientation.upright(raw.crop(tuple(int(side) for side in raw_box)), value)
    assert np.array_equal(np.asarray(cut), np.asarray(shown.crop(box)))

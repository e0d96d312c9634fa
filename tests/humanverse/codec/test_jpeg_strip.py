import struct
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from humanverse.codec.jpeg import decode_rgb
from humanverse.codec.jpeg_strip import strip
from tests.humanverse.codec.pictures import exif, noise, pillow_rgb, saved, smooth, srgb_profile

PIXELS = noise(50, 38)
VARIANTS = {
    "baseline": {},
    "progressive": {"progressive": True},
    "optimised": {"optimize": True},
    "restarts": {"restart_marker_blocks": 3},
    "4:4:4": {"subsampling": 0},
    "4:2:2": {"subsampling": 1},
    "rgb": {"keep_rgb": True},
    "low": {"quality": 5},
}


def segment(marker, payload):
    return bytes([0xFF, marker]) + struct.pack(">H", len(payload) + 2) + payload


def insert(data, *segments, at=2):
    return data[:at] + b"".join(segments) + data[at:]


def assert_same_pixels(before, after):
    assert np.array_equal(pillow_rgb(before), pillow_rgb(after))
    assert np.array_equal(decode_rgb(before), decode_rgb(after))


@pytest.mark.parametrize("variant", VARIANTS)
def test_pixels_stay_what_they_are(variant):
    data = saved(PIXELS, "JPEG", exif=exif(1), icc_profile=srgb_profile(), comment=b"hello", **VARIANTS[variant])
    stripped = strip(data)
    assert_same_pixels(data, stripped.jpeg)
    assert len(stripped.jpeg) < len(data)
    assert (stripped.width, stripped.height) == (50, 38)
    assert stripped.unambiguous


def test_grey_stays_grey():
    data = saved(smooth(20, 10)[..., 0], "JPEG")
    stripped = strip(data)
    assert_same_pixels(data, stripped.jpeg)
    assert len(stripped.components) == 1 and stripped.unambiguous


def test_stripping_twice_changes_nothing():
    once = strip(saved(PIXELS, "JPEG", exif=exif(3))).jpeg
    assert strip(once).jpeg == once


def test_all_metadata_goes():
    thumbnail = saved(noise(8, 8, seed=5), "JPEG")
    secrets = [
        segment(0xE0, b"JFXX\0\x10" + thumbnail),
        segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta>secret</x:xmpmeta>"),
        segment(0xE2, b"MPF\0secret"),
        segment(0xED, b"Photoshop 3.0\0secret"),
        segment(0xEF, b"secret"),
        segment(0xFE, b"secret"),
    ]
    plain = saved(PIXELS, "JPEG")
    data = insert(plain, *secrets) + b"secret after the end" + thumbnail
    stripped = strip(data)
    assert b"secret" not in stripped.jpeg and b"JFXX" not in stripped.jpeg
    assert stripped.jpeg == strip(plain).jpeg
    assert stripped.multi_picture and not strip(plain).multi_picture


def test_a_thumbnail_inside_jfif_goes_and_jfif_stays():
    plain = saved(PIXELS, "JPEG")
    jfif = segment(0xE0, b"JFIF\0\x01\x02\x01\x01\x2c\x01\x2c\x02\x02" + b"secretsecret")
    stripped = strip(b"\xff\xd8" + jfif + plain[20:])
    assert stripped.jpeg == strip(plain).jpeg
    assert stripped.jpeg[6:11] == b"JFIF\0"


def test_metadata_between_scans_and_fill_bytes_go():
    data = saved(PIXELS, "JPEG", progressive=True)
    later_scan = data.index(b"\xff\xda", data.index(b"\xff\xda") + 2)
    padded = insert(data, segment(0xFE, b"secret"), b"\xff\xff\xff", at=later_scan)
    assert strip(padded).jpeg == strip(data).jpeg


def test_what_is_needed_for_the_colours_stays():
    data = saved(PIXELS, "JPEG", keep_rgb=True)
    stripped = strip(data)
    assert stripped.adobe_transform == 0 and not stripped.jfif
    assert b"Adobe" in stripped.jpeg
    assert_same_pixels(data, stripped.jpeg)


def test_what_the_metadata_said_is_told():
    stripped = strip(saved(PIXELS, "JPEG", exif=exif(6), icc_profile=srgb_profile()))
    assert stripped.exif == exif(6).removeprefix(b"Exif\0\0")
    assert stripped.icc == srgb_profile()
    assert stripped.scans == 1
    assert strip(saved(PIXELS, "JPEG", progressive=True)).scans > 5


def icc_part(number, total, part):
    return segment(0xE2, b"ICC_PROFILE\0" + bytes([number, total]) + part)


def test_a_profile_in_parts_is_put_together_whatever_their_order():
    plain = saved(PIXELS, "JPEG")
    assert strip(insert(plain, icc_part(2, 2, b"world"), icc_part(1, 2, b"hello "))).icc == b"hello world"
    assert strip(insert(plain, icc_part(1, 2, b"hello "))).icc is None
    assert strip(insert(plain, icc_part(1, 1, b"a"), icc_part(1, 1, b"b"))).icc is None


def test_colours_on_which_decoders_disagree():
    ycc = saved(PIXELS, "JPEG")
    rgb = saved(PIXELS, "JPEG", keep_rgb=True)
    jfif = ycc[2:20]
    adobe = segment(0xEE, b"Adobe\0\x64\0\0\0\0\x00")
    assert not strip(insert(rgb, jfif)).unambiguous
    assert not strip(insert(ycc, adobe, at=20)).unambiguous
    assert strip(insert(ycc, adobe[:-1] + b"\x01", at=20)).unambiguous
    assert not strip(saved(Image.fromarray(PIXELS).convert("CMYK"), "JPEG")).unambiguous
    assert strip(insert(ycc, adobe, adobe[:-1] + b"\x01", at=20)) is None


def test_sampling_that_is_no_whole_fraction_is_told():
    data = saved(PIXELS, "JPEG", subsampling=0)
    frame = data.index(b"\xff\xc0")
    assert strip(data).evenly_sampled
    odd = bytearray(data)
    odd[frame + 11], odd[frame + 14] = 0x31, 0x21
    assert not strip(bytes(odd)).evenly_sampled


def replaced(data, old, new):
    assert old in data
    return data.replace(old, new, 1)


def without_segment(data, marker):
    at = data.index(bytes([0xFF, marker]))
    return data[:at] + data[at + 2 + int.from_bytes(data[at + 2 : at + 4], "big") :]


PLAIN = saved(PIXELS, "JPEG")
SCAN = PLAIN.index(b"\xff\xda")
STRANGE = {
    "empty": b"",
    "no picture": b"\xff\xd8\xff\xd9",
    "no start": PLAIN[2:],
    "no end": PLAIN[:-2],
    "ends in the coded data": PLAIN[: SCAN + 100],
    "ends in a segment": PLAIN[:30],
    "junk between segments": insert(PLAIN, b"junk", at=20),
    "arithmetic coding": replaced(PLAIN, b"\xff\xc0", b"\xff\xc9"),
    "lossless": replaced(PLAIN, b"\xff\xc0", b"\xff\xc3"),
    "height by DNL": replaced(PLAIN, b"\xff\xc0\x00\x11\x08\x00\x26", b"\xff\xc0\x00\x11\x08\x00\x00"),
    "a DNL segment": insert(PLAIN, segment(0xDC, b"\0\x26"), at=len(PLAIN) - 2),
    "twelve bits": replaced(PLAIN, b"\xff\xc0\x00\x11\x08", b"\xff\xc0\x00\x11\x0c"),
    "two frames": insert(PLAIN, PLAIN[PLAIN.index(b"\xff\xc0") :][:19], at=SCAN),
    "no Huffman tables": without_segment(PLAIN, 0xC4),
    "no quantisation tables": without_segment(PLAIN, 0xDB),
    "restarts that were not announced": insert(PLAIN, b"\xff\xd0", at=len(PLAIN) - 2),
    "a zero-length segment": insert(PLAIN, b"\xff\xe3\0\0", at=20),
    "a nested start": insert(PLAIN, b"\xff\xd8", at=20),
    "hidden bytes behind a table": insert(PLAIN, segment(0xDB, b"\0" + bytes(range(1, 65)) + b"x"), at=20),
}


@pytest.mark.parametrize("what", STRANGE)
def test_a_stream_that_is_not_understood_is_left_to_the_decoder(what):
    assert strip(STRANGE[what]) is None


def test_restarts_out_of_order_are_not_understood():
    data = saved(PIXELS, "JPEG", restart_marker_blocks=1)
    assert strip(data) is not None
    assert strip(replaced(data, b"\xff\xd1", b"\xff\xd5")) is None


def test_no_prefix_raises():
    data = saved(PIXELS, "JPEG", progressive=True, restart_marker_blocks=2)
    assert {strip(data[:length]) for length in range(0, len(data), 3)} == {None}


def test_the_result_opens_with_its_own_size():
    with Image.open(BytesIO(strip(PLAIN).jpeg)) as image:
        assert image.size == (50, 38) and set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}

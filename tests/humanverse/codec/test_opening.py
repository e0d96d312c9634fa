import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from humanverse.codec.opening import MAX_SCANS, Refused, open_picture
from tests.humanverse.codec.pictures import exif, marked, noise, saved, smooth

CAP = 1_000_000
FORMATS = ["JPEG", "PNG", "GIF", "WEBP", "BMP", "DIB", "TIFF", "PPM", "ICO", "AVIF", "JPEG2000"]


def refusal(data, cap=CAP):
    with pytest.raises(Refused) as caught:
        open_picture(data, cap).load()
    return caught.value.failure


@pytest.mark.parametrize("name", FORMATS)
def test_every_accepted_format_opens_and_loads(name):
    opened = open_picture(saved(marked(32, 24) if name != "ICO" else marked(32, 32), name), CAP)
    assert opened.load().size == (opened.width, opened.height) == (32, 32 if name == "ICO" else 24)
    assert opened.orientation == 1


@pytest.mark.parametrize("name", FORMATS)
def test_one_pixel_over_the_cap_is_refused(name):
    data = saved(marked(32, 32), name)
    assert open_picture(data, 1024).width == 32
    assert refusal(data, 1023).reason == "too_many_pixels"


def png_header(width, height):
    def chunk(kind, payload):
        return struct.pack(">I", len(payload)) + kind + payload + struct.pack(">I", zlib.crc32(kind + payload))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")


def webp_header(width, height):
    canvas = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"WEBPVP8X" + struct.pack("<I", 10) + bytes(4) + canvas
    return b"RIFF" + struct.pack("<I", len(body)) + body


def icon_of(picture):
    return b"\0\0\1\0\1\0" + struct.pack("<BBBBHHII", 16, 16, 0, 0, 1, 32, len(picture), 22) + picture


def tiff_of(tags):
    """A little-endian TIFF that is only a directory, each value a LONG."""
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in sorted(tags.items()))
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4)


BOMBS = {
    "png": png_header(60_000, 60_000),
    "webp": webp_header(1 << 24, 1 << 24),
    "ppm": b"P6 50000 50000 255\n",
    "icon with png": icon_of(png_header(60_000, 60_000)),
    "icon with bitmap": icon_of(struct.pack("<IiiHHIIiiII", 40, 60_000, 120_000, 1, 32, 0, 0, 0, 0, 0, 0)),
    "bmp": b"BM" + bytes(12) + struct.pack("<IiiHHIIiiII", 40, 60_000, -60_000, 1, 24, 0, 0, 0, 0, 0, 0),
    "gif canvas": b"GIF89a\xff\xff\xff\xff\0\0\0,\0\0\0\0\1\0\1\0\0\2\2D\1\0;",
    "gif frame": b"GIF89a\1\0\1\0\0\0\0,\0\0\0\0\xff\xff\xff\xff\0\2\2D\1\0;",
    "jpeg": saved(marked(8, 8), "JPEG").replace(b"\x08\0\x08\0\x08\x03", b"\x08\xff\xdc\xff\xdc\x03"),
    "avif": saved(marked(8, 8), "AVIF").replace(b"ispe\0\0\0\0\0\0\0\x08\0\0\0\x08", b"ispe\0\0\0\0\0\1\0\0\0\1\0\0"),
    "tiff": tiff_of({256: 60_000, 257: 60_000, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 279: 8}),
}


@pytest.mark.parametrize("name", BOMBS)
def test_sizes_over_the_cap_are_read_from_the_header(name):
    assert refusal(BOMBS[name]).reason == "too_many_pixels"


def test_a_jp2_whose_codestream_is_larger_than_its_header():
    data = saved(marked(16, 16), "JPEG2000")
    at = data.index(b"\xff\x51") + 6
    grown = data[:at] + struct.pack(">II", 30_000, 30_000) + data[at + 8 :]
    with pytest.raises((Refused, OSError)):
        open_picture(grown, CAP).load()


def test_a_tiff_tile_far_larger_than_the_picture():
    tags = {256: 64, 257: 64, 258: 8, 259: 5, 262: 1, 277: 1, 322: 64, 323: 64, 324: 8, 325: 100}
    assert open_picture(tiff_of(tags), CAP).width == 64
    assert refusal(tiff_of(tags | {322: 1 << 20, 323: 1 << 20})).reason == "too_many_pixels"


def test_a_tiff_directory_that_announces_terabytes():
    blob = bytes(100_000)
    entries = b"".join(struct.pack("<HHII", 1000 + i, 1, len(blob), 8) for i in range(5000))
    data = b"II*\0" + struct.pack("<I", 8 + len(blob)) + blob + struct.pack("<H", 5000) + entries + bytes(4)
    assert refusal(data).reason == "corrupt"
    assert "more data than the file holds" in refusal(data).detail


def test_a_jpeg_of_endless_scans():
    data = saved(noise(16, 16), "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    failure = refusal(data[:-2] + data[last:-2] * MAX_SCANS + data[-2:])
    assert failure.reason == "corrupt" and "scans" in failure.detail


@pytest.mark.parametrize(
    "data, words",
    [
        (b"\xff\xd8" + b"\xff\xfe\0\2" * 30_000 + saved(marked(8, 8), "JPEG")[2:], "segments"),
        (b"\xff\xd8" + b"\xff" * 200_000 + b"\xff\xda", "fill bytes"),
        (b"\xff\xd8\xff" + bytes(200_000), "no scan"),
    ],
)
def test_a_jpeg_that_would_be_stepped_through_byte_by_byte(data, words):
    failure = refusal(data)
    assert failure.reason == "corrupt" and words in failure.detail


@pytest.mark.parametrize(
    "data, reason",
    [
        (b"", "not_an_image"),
        (b"<html>", "not_an_image"),
        (b"8BPS\0\1", "unsupported_format"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "unsupported_format"),
        (b"\x89PNG\r\n\x1a\n", "corrupt"),
        (b"\xff\xd8\xff\xe0", "corrupt"),
        (png_header(0, 5), "corrupt"),
    ],
)
def test_reasons(data, reason):
    assert refusal(data).reason == reason


@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("value", [1, 3, 6, 8])
def test_the_orientation_is_found(name, value):
    options = {"tiffinfo": {274: value}} if name == "TIFF" else {"exif": exif(value)}
    opened = open_picture(saved(marked(40, 20), name, **options), CAP)
    assert opened.orientation == value
    assert (opened.width, opened.height) == (40, 20)
    assert opened.upright_size == ((20, 40) if value in (6, 8) else (40, 20))
    assert opened.load().size == (40, 20)


def test_an_orientation_in_imagemagicks_text():
    block = exif(6)
    text = f"\nexif\n{len(block):8}\n" + "\n".join(block.hex()[i : i + 72] for i in range(0, 2 * len(block), 72))
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("Raw profile type exif", text, zip=True)
    assert open_picture(saved(marked(8, 8), "PNG", pnginfo=info), CAP).orientation == 6
    info = PngInfo()
    info.add_text("Raw profile type exif", text.replace("0", "?"), zip=True)
    assert open_picture(saved(marked(8, 8), "PNG", pnginfo=info), CAP).orientation == 1


def test_xmp_does_not_turn_a_picture():
    xmp = b'<x:xmpmeta><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
    opened = open_picture(saved(marked(40, 20), "TIFF", tiffinfo={700: xmp}), CAP)
    assert opened.orientation == 1 and opened.load().size == (40, 20)


def test_a_transparent_colour_of_sixteen_bits():
    rows = b"".join(b"\0" + struct.pack(">6H", *(0x1234, 0x5678, 0x9ABC), *(0xFFFF, 0, 0)) for _ in range(1))
    head = struct.pack(">IIBBBBB", 2, 1, 16, 2, 0, 0, 0)
    parts = [
        (b"IHDR", head),
        (b"tRNS", struct.pack(">3H", 0x1234, 0x5678, 0x9ABC)),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    ]
    data = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(p)) + k + p + struct.pack(">I", zlib.crc32(k + p)) for k, p in parts
    )
    image = open_picture(data, CAP).load()
    assert np.asarray(image.convert("RGBA"))[0, :, 3].tolist() == [0, 255]


def test_the_first_picture_of_several():
    red, blue = Image.new("RGB", (8, 8), (255, 0, 0)), Image.new("RGB", (12, 12), (0, 0, 255))
    for name in ("TIFF", "GIF", "PNG", "WEBP", "MPO"):
        out = io.BytesIO()
        same_size = blue.resize((8, 8)) if name in ("GIF", "PNG", "WEBP") else blue
        red.save(out, name, save_all=True, append_images=[same_size])
        opened = open_picture(out.getvalue(), CAP)
        colour = opened.load().convert("RGB").getpixel((4, 4))
        assert colour == pytest.approx((255, 0, 0), abs=3), name
        assert opened.width == 8


def test_a_jpeg_is_reduced_only_where_something_remains():
    decoded = open_picture(saved(noise(641, 480), "JPEG"), CAP).pixels(150, 100)
    assert decoded is not None
    pixels, fraction = decoded
    assert fraction == 0.25
    assert pixels.shape == (120, 161, 3)


@pytest.mark.parametrize("name", ["PNG", "WEBP", "TIFF"])
def test_other_formats_are_for_pillow(name):
    assert open_picture(saved(noise(64, 64), name), CAP).pixels(8, 8) is None


def test_a_jpeg_decodes_to_what_pillow_decodes():
    for picture in (noise(61, 43), smooth(640, 480), marked(33, 70)):
        for options in ({"subsampling": 0}, {"subsampling": 1}, {"subsampling": 2}, {"progressive": True}):
            data = saved(picture, "JPEG", **options)
            decoded = open_picture(data, CAP).pixels(1e6, 1e6)
            assert decoded is not None
            assert decoded[1] == 1.0
            assert np.array_equal(decoded[0], np.asarray(open_picture(data, CAP).load()))


def test_a_grey_jpeg_has_three_equal_channels():
    data = saved(noise(40, 30)[:, :, 0], "JPEG")
    decoded = open_picture(data, CAP).pixels(40, 30)
    assert decoded is not None
    assert np.array_equal(decoded[0][:, :, 1], np.asarray(open_picture(data, CAP).load()))
    assert (decoded[0] == decoded[0][:, :, :1]).all()


def probed_and_loaded(data):
    """Whether the probe, and whether the whole picture, can be decoded; None if the file was not understood in full."""
    opened = open_picture(data, CAP)
    if opened.stripped is None:
        return None
    return tuple(decodes(step) for step in (opened.probe, opened.load))


def decodes(step):
    try:
        step()
    except Exception:
        return False
    return True


def damaged(data, count=300):
    """Files with one to four bytes changed, most of them in the headers."""
    random = np.random.default_rng(0)
    for _ in range(count):
        changed = bytearray(data)
        reach = len(data) if random.random() < 0.3 else min(len(data), 700)
        for _ in range(random.integers(1, 5)):
            changed[random.integers(2, reach)] = random.integers(256)
        yield bytes(changed)


@pytest.mark.parametrize(
    "options", [{}, {"progressive": True}, {"subsampling": 0}, {"restart_marker_blocks": 3}, {"optimize": True}]
)
def test_the_probe_fails_exactly_where_the_whole_picture_does(options):
    verdicts = set()
    for data in damaged(saved(noise(90, 60), "JPEG", **options)):
        try:
            verdict = probed_and_loaded(data)
        except Refused:
            continue
        verdicts.add(verdict)
        assert verdict is None or verdict[0] == verdict[1]
    assert (True, True) in verdicts


def test_a_probe_is_small_and_finds_a_table_that_cannot_be():
    data = saved(noise(200, 200), "JPEG")
    opened = open_picture(data, CAP)
    opened.probe()
    assert len(opened.stripped.probe) < len(data) / 10
    table = data.index(b"\xff\xc4") + 5
    broken = data[:table] + bytes([12]) + bytes(15) + data[table + 16 :]
    assert probed_and_loaded(broken) == (False, False)

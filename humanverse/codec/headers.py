"""What a file's header announces, read before a decoder may allocate anything for it.

Most decoders can be opened without allocating pixels, and are then asked for their size. The formats here allocate, or
read much more than the file holds, already when they are opened.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator

Size = tuple[int, int]

_PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
_ISPE = re.compile(rb"ispe\0\0\0\0(.{4})(.{4})", re.DOTALL)
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_NO_SEGMENTS = frozenset({0x00, 0x01, 0xFF, *range(0xD0, 0xDB)})
_META_REACH = 1 << 20
_ICON_DIRECTORY = 6
_TIFF_FIELD_BYTES = {
    1: 1,
    2: 1,
    3: 2,
    4: 4,
    5: 8,
    6: 1,
    7: 1,
    8: 2,
    9: 4,
    10: 8,
    11: 4,
    12: 8,
    13: 4,
    16: 8,
    17: 8,
    18: 8,
}


def announced_size(name: str, data: bytes) -> Size | None:
    """The largest raw (width, height) that the header of ``data``, a file of the format ``name``, announces.

    None for a format whose decoder tells its size without allocating, and for a header that is broken.
    """
    reader = _READERS.get(name)
    if reader is None:
        return None
    try:
        return reader(data)
    except (struct.error, IndexError):
        return None


def _webp(data: bytes) -> Size | None:
    """RFC 9649, sections 2.5 to 2.7."""
    kind = data[12:16]
    if kind == b"VP8X":
        return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    if kind == b"VP8 " and data[23:26] == b"\x9d\x01\x2a":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L":
        bits = struct.unpack_from("<I", data, 21)[0]
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return None


def _avif(data: bytes) -> Size | None:
    """The largest of the image spatial extents (ISO/IEC 23008-12, 6.5.3)."""
    found = _ISPE.findall(data, 0, min(len(data), _META_REACH))
    extents = [(int.from_bytes(width, "big"), int.from_bytes(height, "big")) for width, height in found]
    return max(extents, key=_area, default=None)


def _icon(data: bytes) -> Size | None:
    """The largest picture inside an icon: the directory's own sizes are no more than 256 and may lie."""
    return max(_icon_sizes(data), key=_area, default=None)


def _icon_sizes(data: bytes) -> Iterator[Size]:
    for entry in range(struct.unpack_from("<H", data, 4)[0]):
        at = struct.unpack_from("<I", data, _ICON_DIRECTORY + 16 * entry + 12)[0]
        if data.startswith(_PNG_MAGIC, at):
            yield struct.unpack_from(">II", data, at + 16)
        elif data.startswith(b"\x0c\0\0\0", at):
            width, height = struct.unpack_from("<HH", data, at + 4)
            yield width, height // 2
        else:
            width, height = struct.unpack_from("<ii", data, at + 4)
            yield abs(width), abs(height) // 2


def _gif(data: bytes) -> Size | None:
    """The canvas, or the first frame where it reaches further (GIF89a, sections 18 to 24)."""
    canvas_width, canvas_height, flags = struct.unpack_from("<HHB", data, 6)
    at = 13 + (3 << (flags & 7) + 1 if flags & 0x80 else 0)
    while data[at] == 0x21:
        at += 2
        while data[at]:
            at += 1 + data[at]
        at += 1
    if data[at] != 0x2C:
        return None
    left, top, width, height = struct.unpack_from("<4H", data, at + 1)
    return max(canvas_width, left + width), max(canvas_height, top + height)


def _area(size: Size) -> int:
    return size[0] * size[1]


_READERS: dict[str, Callable[[bytes], Size | None]] = {
    "webp": _webp,
    "avif": _avif,
    "ico": _icon,
    "gif": _gif,
}


def jpeg_frame(data: bytes) -> tuple[Size, bytes | None] | None:
    """The raw (width, height) of a JPEG's frame header, and the first EXIF segment before it (ITU-T T.81, B.1.1 and B.2.2).

    None where something else than segments comes before the frame header, or the height is left to a DNL segment.
    """
    at, exif = 2, None
    while at + 9 <= len(data) and data[at] == 0xFF:
        code, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if code in _FRAMES:
            height, width = struct.unpack_from(">HH", data, at + 5)
            return ((width, height), exif) if width and height else None
        if code in _NO_SEGMENTS or length < 2:
            return None
        if code == 0xE1 and exif is None and data.startswith(b"Exif\0", at + 4):
            exif = data[at + 4 : at + 2 + length]
        at += 2 + length
    return None


def tiff_directory_bytes(data: bytes) -> int:
    """How many bytes the values of a TIFF's first directory take together (TIFF 6.0, section 2; BigTIFF alike).

    Entries may point to the same place: a small file can announce terabytes. 0 for a directory that is broken.
    """
    order = "<" if data.startswith(b"II") else ">"
    big = data[2:4] in (b"+\0", b"\0+")
    head, entry, count_format, size = ("QQ", "HHQ8x", "Q", 20) if big else ("IH", "HHI4x", "H", 12)
    try:
        at = struct.unpack_from(order + head[0], data, 8 if big else 4)[0]
        count = struct.unpack_from(order + count_format, data, at)[0]
        at += struct.calcsize(order + count_format)
        entries = min(count, max(0, len(data) - at) // size)
        rows = struct.iter_unpack(order + entry, data[at : at + entries * size])
        lengths = (_TIFF_FIELD_BYTES.get(kind, 1) * values for _, kind, values in rows)
        return sum(length for length in lengths if length <= len(data))
    except (struct.error, OverflowError):
        return 0


def png_exif(data: bytes) -> bytes | None:
    """The payload of a PNG's ``eXIf`` chunk, which may stand behind the pixels (PNG third edition, 11.3.4.5)."""
    at = len(_PNG_MAGIC)
    while at + 8 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        if data.startswith(b"eXIf", at + 4):
            return data[at + 8 : at + 8 + length]
        at += 12 + length
    return None

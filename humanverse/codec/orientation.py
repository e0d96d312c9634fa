"""The EXIF orientation: reading it, and the geometry of undoing it.

The orientations 1 to 8 are those of TIFF 6.0, tag 274. "Raw" is the picture as it is coded, "upright" as it is shown.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from PIL import Image

Box = tuple[float, float, float, float]

_TAG = 0x0112
_FIELD_FORMATS = {1: "B", 3: "H", 4: "I"}
_BYTE_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}
_MAX_ENTRIES = 4096

_TRANSPOSES = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_TO_RAW: dict[int, Callable[[float, float, float, float], tuple[float, float]]] = {
    1: lambda x, y, w, h: (x, y),
    2: lambda x, y, w, h: (w - x, y),
    3: lambda x, y, w, h: (w - x, h - y),
    4: lambda x, y, w, h: (x, h - y),
    5: lambda x, y, w, h: (y, x),
    6: lambda x, y, w, h: (y, w - x),
    7: lambda x, y, w, h: (h - y, w - x),
    8: lambda x, y, w, h: (h - y, x),
}


def from_exif(exif: bytes | None) -> int:
    """The orientation that an EXIF block (a TIFF structure, with or without ``Exif\\0\\0``) states; 1 if it states none
    or is broken."""
    if not exif:
        return 1
    tiff = exif[6:] if exif.startswith(b"Exif\0") else exif
    order = _BYTE_ORDERS.get(tiff[:4])
    if order is None:
        return 1
    try:
        return _from_directory(tiff, order)
    except struct.error:
        return 1


def _from_directory(tiff: bytes, order: str) -> int:
    at = struct.unpack_from(order + "I", tiff, 4)[0]
    count = struct.unpack_from(order + "H", tiff, at)[0]
    for entry in range(at + 2, at + 2 + 12 * min(count, _MAX_ENTRIES), 12):
        tag, kind = struct.unpack_from(order + "HH", tiff, entry)
        if tag == _TAG:
            field = _FIELD_FORMATS.get(kind)
            value = struct.unpack_from(order + field, tiff, entry + 8)[0] if field else 1
            return value if value in _TO_RAW else 1
    return 1


def swaps_sides(orientation: int) -> bool:
    """Whether the upright picture's width is the raw picture's height."""
    return orientation >= 5


def sides(width: int, height: int, orientation: int) -> tuple[int, int]:
    """The upright (width, height) of a raw one, and the other way round."""
    return (height, width) if swaps_sides(orientation) else (width, height)


def raw_box(box: Box, width: float, height: float, orientation: int) -> Box:
    """The part of the raw picture that is ``box`` in the upright picture of ``width`` by ``height``."""
    place = _TO_RAW[orientation]
    (ax, ay), (bx, by) = place(box[0], box[1], width, height), place(box[2], box[3], width, height)
    return min(ax, bx), min(ay, by), max(ax, bx), max(ay, by)


def upright(image: Image.Image, orientation: int) -> Image.Image:
    """``image`` turned and mirrored so that it is shown as meant."""
    method = _TRANSPOSES.get(orientation)
    return image if method is None else image.transpose(method)

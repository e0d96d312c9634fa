"""Which image format some bytes are, told from the bytes alone."""

from __future__ import annotations

import re
import struct

_FIXED = (
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"II+\0", "tiff"),
    (b"MM\0+", "tiff"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "jp2"),
    (b"\xff\x4f\xff\x51", "jp2"),
    (b"\0\0\0\x0cJXL \r\n\x87\n", "jxl"),
    (b"\xff\x0a", "jxl"),
    (b"8BPS", "psd"),
    (b"DDS ", "dds"),
    (b"SIMPLE  =", "fits"),
    (b"\x01\xda\x00\x01", "sgi"),
    (b"\x01\xda\x01\x01", "sgi"),
    (b"BPG\xfb", "bpg"),
    (b"qoif", "qoi"),
    (b"icns", "icns"),
    (b"v/1\x01", "exr"),
    (b"#?RADIANCE", "hdr"),
    (b"II\xbc\x01", "jxr"),
)
_PORTABLE_MAP = re.compile(rb"P(?:[1-6]|[fF])[ \t\r\n]+(?:#|\d)")
_PAM = re.compile(rb"P7\s+(?:#|WIDTH|HEIGHT|DEPTH|MAXVAL|TUPLTYPE)")
_DIB_HEADER_SIZES = frozenset({12, 40, 52, 56, 64, 108, 124})
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_HEIF_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})


def sniff(data: bytes) -> str | None:
    """The format's name in lower case (``jpeg``, ``png``, ``gif``, ``webp``, ``bmp``, ``dib``, ``tiff``, ``ppm``, ``ico``,
    ``avif``, ``jp2``, and names of formats that are known but not decoded, such as ``heif`` or ``psd``).

    None if the bytes are not of a known raster format: vector drawings, documents, archives and text are None.
    """
    for magic, name in _FIXED:
        if data.startswith(magic):
            return name
    for probe in (_riff, _iso_media, _bitmap, _icon, _portable_map):
        found = probe(data)
        if found is not None:
            return found
    return None


def _riff(data: bytes) -> str | None:
    return "webp" if data.startswith(b"RIFF") and data[8:12] == b"WEBP" else None


def _iso_media(data: bytes) -> str | None:
    """ISO/IEC 14496-12: a first box ``ftyp`` with a major brand, a version and compatible brands."""
    if data[4:8] != b"ftyp":
        return None
    end = min(max(int.from_bytes(data[:4], "big"), 16), 256)
    brands = {data[8:12], *(data[at : at + 4] for at in range(16, end, 4))}
    if brands & _AVIF_BRANDS:
        return "avif"
    return "heif" if brands & _HEIF_BRANDS else None


def _bitmap(data: bytes) -> str | None:
    if data.startswith(b"BM") and len(data) >= 18:
        return "bmp" if struct.unpack_from("<I", data, 14)[0] in _DIB_HEADER_SIZES else None
    if len(data) < 16:
        return None
    header, planes = struct.unpack_from("<I8xH", data)
    return "dib" if header in _DIB_HEADER_SIZES - {12} and planes == 1 else None


def _icon(data: bytes) -> str | None:
    """A directory of 1 to 255 icons or cursors; each entry's fourth byte is reserved and 0 or 255."""
    if len(data) < 22 or data[:2] != b"\0\0" or data[3] != 0 or data[5] != 0 or data[4] == 0:
        return None
    if data[9] not in (0, 255):
        return None
    return {1: "ico", 2: "cur"}.get(data[2])


def _portable_map(data: bytes) -> str | None:
    if _PORTABLE_MAP.match(data):
        return "ppm"
    return "pam" if _PAM.match(data) else None

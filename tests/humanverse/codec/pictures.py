"""Small pictures made in memory, and where the shared photographs lie."""

from __future__ import annotations

import struct
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

DATA = Path(__file__).resolve().parents[3].parent / "shared" / "data"

needs_data = pytest.mark.skipif(not DATA.is_dir(), reason=f"no test photographs at {DATA}")

CORNERS = ((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0))
"""Colours of the marked picture's quarters: top left, top right, bottom left, bottom right."""


def marked(width: int, height: int) -> np.ndarray:
    """uint8 (height, width, 3): four quarters in the colours ``CORNERS``."""
    pixels = np.zeros((height, width, 3), np.uint8)
    for i, colour in enumerate(CORNERS):
        down, across = divmod(i, 2)
        rows = slice(height // 2, None) if down else slice(0, height // 2)
        columns = slice(width // 2, None) if across else slice(0, width // 2)
        pixels[rows, columns] = colour
    return pixels


def smooth(width: int, height: int) -> np.ndarray:
    """uint8 (height, width, 3): gradients without hard edges."""
    x, y = np.linspace(0, 255, width)[None, :], np.linspace(0, 255, height)[:, None]
    return np.stack(np.broadcast_arrays(x, y, (x + y) / 2), axis=-1).round().astype(np.uint8)


def noise(width: int, height: int, seed: int = 0) -> np.ndarray:
    """uint8 (height, width, 3): no two neighbours alike."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def saved(image: Image.Image | np.ndarray, format_name: str, **options: object) -> bytes:
    """``image`` as a file's bytes, written by Pillow."""
    if isinstance(image, np.ndarray):
        image = Image.fromarray(image)
    out = BytesIO()
    image.save(out, format_name, **options)
    return out.getvalue()


def pillow_rgb(data: bytes) -> np.ndarray:
    """What Pillow shows of ``data``, as uint8 (height, width, 3)."""
    with Image.open(BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"))


def exif(orientation: int) -> bytes:
    """An EXIF block that states nothing but the orientation."""
    block = Image.Exif()
    block[0x0112] = orientation
    return block.tobytes()


def srgb_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def matrix_profile(primaries: tuple[tuple[float, float, float], ...], gamma: float, space: bytes = b"RGB ") -> bytes:
    """An ICC version 2 display profile with the given XYZ (D50) of red, green and blue, and one gamma (ICC.1:2001)."""
    tags = {
        b"desc": b"desc\0\0\0\0" + struct.pack(">I", 5) + b"test\0" + bytes(78),
        b"wtpt": _xyz(0.9642, 1.0, 0.8249),
        b"cprt": b"text\0\0\0\0none\0",
    }
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256))
    if space == b"GRAY":
        tags[b"kTRC"] = curve
    else:
        for letter, xyz in zip((b"r", b"g", b"b"), primaries, strict=True):
            tags[letter + b"XYZ"] = _xyz(*xyz)
            tags[letter + b"TRC"] = curve
    table, body = b"", b""
    start = 128 + 4 + 12 * len(tags)
    for name, value in tags.items():
        value += bytes(-len(value) % 4)
        table += name + struct.pack(">II", start + len(body), len(value))
        body += value
    size = start + len(body)
    head = struct.pack(">I4sI4s4s4s", size, b"test", 0x02400000, b"mntr", space, b"XYZ ").ljust(36, b"\0")
    head += b"acsp".ljust(32, b"\0") + struct.pack(">3i", 63190, 65536, 54061)
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


def _xyz(*values: float) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(value * 65536) for value in values))


DISPLAY_P3 = ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407))
"""Display P3's primaries, adapted to D50."""

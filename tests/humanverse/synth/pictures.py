"""A folder of photographs for tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from humanverse.codec.jpeg import encode_jpeg


def photographs(folder: Path, count: int = 2) -> Path:
    """Red pictures with a gradient, in a folder of their own."""
    place = folder / "photographs"
    place.mkdir()
    for number in range(count):
        rgb = np.zeros((160, 200, 3), np.uint8)
        rgb[:, :, 0] = np.linspace(150, 250, 200)
        rgb[:, :, 1] = 20 * number
        (place / f"{number}.jpg").write_bytes(encode_jpeg(rgb, 90))
    return place

"""What is behind everything: made up skies, or photographs that the user gives."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from humanverse.codec import prepare
from humanverse.codec.jpeg import decode_rgb
from humanverse.codec.prepare import Prepared
from humanverse.errors import UserError
from humanverse.synth.colours import linear
from humanverse.synth.randomness import Rng, between, chance
from schemas.recipe import ImageSettings

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
DRAWN = 20
"""How many photographs are drawn at the most until one can be read."""
_LEVELS = linear(np.arange(256) / 255).astype(np.float32)


@lru_cache(maxsize=4)
def photographs(folder: str) -> tuple[Path, ...]:
    """The pictures in ``folder`` and below, by name.

    Raises:
        UserError: if there are none, or no such folder.
    """
    root = Path(folder)
    if not root.is_dir():
        what = "is a file" if root.exists() else "there is no such folder"
        raise UserError(f"{folder}: {what}: give a folder of photographs")
    found = sorted(path for path in root.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not found:
        raise UserError(f"{folder}: no pictures ({', '.join(SUFFIXES)}) in it: give a folder of photographs")
    return tuple(found)


def photograph(folder: str, rng: Rng, size: int) -> np.ndarray:
    """A part of one of the photographs: float32 (size, size, 3), linear light. Files that cannot be read are passed over.

    Raises:
        UserError: if none of ``DRAWN`` that were drawn can be read.
    """
    rgb = _drawn(photographs(folder), rng, folder)
    side = int(min(rgb.shape[:2]) * between(rng, 0.6, 1.0))
    top, left = (int(rng.integers(0, full - side + 1)) for full in rgb.shape[:2])
    part = rgb[top : top + side, left : left + side]
    if chance(rng, 0.5):
        part = part[:, ::-1]
    by = cv2.INTER_AREA if side > size else cv2.INTER_LINEAR
    return _LEVELS[cv2.resize(np.ascontiguousarray(part), (size, size), interpolation=by)]


def _drawn(paths: Sequence[Path], rng: Rng, folder: str) -> np.ndarray:
    for _ in range(DRAWN):
        path = paths[int(rng.integers(len(paths)))]
        try:
            made = prepare(path.read_bytes(), ImageSettings())
        except OSError as error:
            fault = error.strerror or str(error)
            continue
        if isinstance(made, Prepared):
            return decode_rgb(made.jpeg)
        fault = f"{made.reason} {made.detail}"
    raise UserError(
        f"{folder}: {DRAWN} of its pictures cannot be read, the last {path} ({fault}): give another folder, a new OUT"
    )


def even(size: int) -> np.ndarray:
    """What is beyond the ends of a room's wall: float32 (size, size, 3), grey."""
    return np.full((size, size, 3), 0.4, np.float32)


def sky(rng: Rng, size: int) -> np.ndarray:
    """A sky with clouds: float32 (size, size, 3), linear light."""
    clear, haze = (
        np.array([0.22, 0.42, 0.82]) * between(rng, 0.6, 1.2),
        np.array([0.78, 0.82, 0.86]) * between(rng, 0.7, 1.0),
    )
    if chance(rng, 0.25):
        clear = haze * between(rng, 0.8, 1.0)
    down = np.linspace(0, 1, size, dtype=np.float32)[:, None, None] ** between(rng, 0.6, 1.4)
    made = clear * (1 - down) + haze * down
    clouds = np.clip(cloud(rng, size) - between(rng, -0.1, 0.5), 0, 1)[:, :, None] * between(rng, 0.3, 1.0)
    return (made * (1 - clouds) + np.array([0.92, 0.92, 0.94]) * clouds).astype(np.float32)


def cloud(rng: Rng, size: int) -> np.ndarray:
    """float32 (size, size) in about [-1, 1]: smooth noise of four octaves."""
    made = np.zeros((size, size), np.float32)
    for octave in range(4):
        cells = 3 * 2**octave
        coarse = rng.uniform(-1, 1, (cells, 2 * cells)).astype(np.float32)
        made += cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC) * 0.55**octave
    return made

"""Examples without a renderer: people that are balls, whose depth and normals are known exactly."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pipelines.lite_structure.examples import Example, path_of, save
from schemas.skeletons import WHOLEBODY

SIDE = 96


def ball(seed: int) -> Example:
    """One ball somewhere in the picture, lit from the camera, and points on it."""
    rng = np.random.default_rng(seed)
    radius = rng.uniform(0.2, 0.35) * SIDE
    middle = rng.uniform(radius, SIDE - radius, 2)
    x, y = np.meshgrid(*[np.arange(SIDE) + 0.5] * 2)
    right, down = (x - middle[0]) / radius, (y - middle[1]) / radius
    inside = right**2 + down**2 < 1
    towards = np.sqrt(np.maximum(1 - right**2 - down**2, 0))
    normal = np.stack([right, -down, towards], axis=2) * inside[:, :, None]
    rgb = np.where(inside[:, :, None], 255 * towards[:, :, None] * (0.9, 0.6, 0.5), rng.uniform(0, 255, 3))
    points = np.ones((1, len(WHOLEBODY), 3), np.float32)
    points[0, :, :2] = middle + rng.uniform(-0.7, 0.7, (len(WHOLEBODY), 2)) * radius
    return Example(
        rgb=rgb.astype(np.uint8),
        depth=np.where(inside, 3 - 0.5 * towards, 0).astype(np.float16),
        normal=np.rint(127 * normal).astype(np.int8),
        owners=np.where(inside, 0, -1).astype(np.int8),
        mask=(255 * inside).astype(np.uint8),
        boxes=np.array([[*(middle - radius), *(middle + radius)]], np.float32),
        points=points,
    )


def cache(folder: Path, number: int) -> list[Path]:
    """A cache folder of ``number`` balls; the paths of its examples."""
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(number):
        save(ball(index), path_of(folder, index))
    return [path_of(folder, index) for index in range(number)]

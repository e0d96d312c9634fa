"""What cameras, light and JPEG do to pixels, and backgrounds without people: noise for training."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

Rng = np.random.Generator


def smooth_noise(rng: Rng, side: int, cells: int, channels: int = 1) -> np.ndarray:
    """float32 (side, side, channels): normal noise of ``cells`` across, interpolated."""
    coarse = rng.normal(0, 1, (cells + 1, cells + 1, channels)).astype(np.float32)
    return cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC).reshape(side, side, channels)


def _light(rgb: np.ndarray, rng: Rng) -> np.ndarray:
    """Another exposure, white balance and contrast, and shade that changes over the picture."""
    gain = np.exp(rng.normal(0, 0.22) + rng.normal(0, 0.08, 3))
    shade = np.exp(rng.uniform(0, 0.3) * smooth_noise(rng, rgb.shape[0], int(rng.integers(1, 5))))
    return 255 * (rgb / 255 * gain * shade).clip(0, 1) ** np.exp(rng.normal(0, 0.25))


def _colours(rgb: np.ndarray, rng: Rng) -> np.ndarray:
    """Hues turned and saturation changed; grey now and then."""
    hsv = cv2.cvtColor(rgb.clip(0, 255).astype(np.uint8), cv2.COLOR_RGB2HSV).astype(np.float32)
    hsv[:, :, 0] = (hsv[:, :, 0] + rng.normal(0, 8)) % 180
    hsv[:, :, 1] *= 0 if rng.random() < 0.07 else np.exp(rng.normal(-0.1, 0.35))
    return cv2.cvtColor(hsv.clip(0, 255).astype(np.uint8), cv2.COLOR_HSV2RGB).astype(np.float32)


def _textured(rgb: np.ndarray, rng: Rng) -> np.ndarray:
    """Folds and patterns that are no shape."""
    fine = smooth_noise(rng, rgb.shape[0], int(rng.integers(12, 60)), int(rng.choice([1, 3])))
    return rgb * np.exp(rng.uniform(0.03, 0.18) * fine)


def _blurred(rgb: np.ndarray, rng: Rng) -> np.ndarray:
    return cv2.GaussianBlur(rgb, (0, 0), rng.uniform(0.4, 1.6))


def _coarse(rgb: np.ndarray, rng: Rng) -> np.ndarray:
    """As of a picture that was much smaller."""
    side = rgb.shape[0]
    small = cv2.resize(rgb, (int(side / rng.uniform(1.2, 2.5)),) * 2, interpolation=cv2.INTER_AREA)
    return cv2.resize(small, (side, side), interpolation=cv2.INTER_LINEAR)


def _noisy(rgb: np.ndarray, rng: Rng) -> np.ndarray:
    return rgb + rng.standard_normal(rgb.shape, np.float32) * np.float32(rng.uniform(1, 12))


def _jpeg(rgb: np.ndarray, rng: Rng) -> np.ndarray:
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 95))]
    _, data = cv2.imencode(".jpg", rgb.clip(0, 255).astype(np.uint8), quality)
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.float32)


def _hidden(rgb: np.ndarray, rng: Rng) -> np.ndarray:
    """A patch of one colour over a part of it."""
    made, side = rgb.copy(), rgb.shape[0]
    x, y = rng.integers(0, side, 2)
    width, height = rng.integers(side // 16, side // 4, 2)
    made[y : y + height, x : x + width] = rng.uniform(0, 255, 3)
    return made


_FAULTS = ((_light, 0.85), (_colours, 0.6), (_textured, 0.4), (_hidden, 0.1), (_blurred, 0.25), (_coarse, 0.2), (_noisy, 0.5),
           (_jpeg, 0.5))  # fmt: skip
"""What may happen to a picture, in this order, and how often it does."""


def developed(rgb: np.ndarray, rng: Rng) -> np.ndarray:
    """uint8 (side, side, 3): the same picture as another camera might have taken it."""
    made = rgb.astype(np.float32)
    for fault, often in _FAULTS:
        if rng.random() < often:
            made = fault(made, rng).astype(np.float32)
    return np.rint(made.clip(0, 255)).astype(np.uint8)


def made_up(rng: Rng, side: int) -> np.ndarray:
    """uint8 (side, side, 3): clouds of colour, and boxes and stripes in front of them."""
    made = rng.uniform(0, 255, 3) + rng.uniform(5, 50) * smooth_noise(rng, side, int(rng.integers(1, 12)), 3)
    for _ in range(int(rng.integers(0, 9))):
        corners = rng.uniform(-0.2, 1.2, (4, 2)) * side
        colour = tuple(float(value) for value in rng.uniform(0, 255, 3))
        made = np.ascontiguousarray(made, np.float32)
        cv2.fillConvexPoly(made, cv2.convexHull(corners.astype(np.int32)), colour, cv2.LINE_AA)
    made = made * np.exp(rng.uniform(0, 0.3) * smooth_noise(rng, side, int(rng.integers(8, 40))))
    return made.clip(0, 255).astype(np.uint8)


@lru_cache(maxsize=64)
def _photograph(path: Path) -> np.ndarray | None:
    """uint8 (height, width, 3), at most 640 long; None if it cannot be read."""
    read = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
    if read is None:
        return None
    scale = min(1.0, 640 / max(read.shape[:2]))
    return cv2.resize(read, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)


class Backdrops:
    """Backgrounds without people: parts of the photographs in a folder for every other, else made up ones."""

    def __init__(self, folder: Path | None = None) -> None:
        suffixes = (".jpg", ".jpeg", ".png")
        found = sorted(folder.rglob("*")) if folder else []
        self._paths = [path for path in found if path.suffix.lower() in suffixes]

    def __call__(self, rng: Rng, side: int) -> np.ndarray:
        """uint8 (side, side, 3)."""
        path = self._paths[int(rng.integers(len(self._paths)))] if self._paths and rng.random() < 0.5 else None
        photograph = _photograph(path) if path else None
        if photograph is None:
            return made_up(rng, side)
        size = int(min(photograph.shape[:2]) * rng.uniform(0.4, 1.0))
        top, left = (int(rng.integers(0, full - size + 1)) for full in photograph.shape[:2])
        return cv2.resize(photograph[top : top + size, left : left + size], (side, side), interpolation=cv2.INTER_AREA)

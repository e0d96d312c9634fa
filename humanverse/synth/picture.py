"""From linear light to a picture as a camera would store it: exposure, lens, noise, sRGB with 8 bits."""

from __future__ import annotations

import cv2
import numpy as np

from humanverse.synth.randomness import Rng, between, chance


def developed(light: np.ndarray, rng: Rng) -> np.ndarray:
    """uint8 (height, width, 3).

    Args:
        light: float32 (height, width, 3), linear.
    """
    height, width = light.shape[:2]
    bright = float(np.percentile(light[::4, ::4].max(axis=2), between(rng, 90, 97)))
    exposed = light * np.float32(between(rng, 0.62, 0.9) / max(bright, 1e-3))
    if chance(rng, 0.5):
        y, x = np.ogrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
        exposed *= (1 - between(rng, 0.0, 0.22) * 0.5 * (x**2 + y**2))[:, :, None].astype(np.float32)
    if chance(rng, 0.35):
        exposed = cv2.GaussianBlur(exposed, (0, 0), between(rng, 0.3, 0.9) * height / 512).astype(np.float32)
    noise = between(rng, 0.0, 0.025)
    grain = rng.standard_normal(exposed.shape, dtype=np.float32)
    grain *= np.sqrt(np.clip(exposed, 0.01, 1))
    exposed += grain * np.float32(noise)
    return encoded(exposed)


def encoded(light: np.ndarray) -> np.ndarray:
    """Linear light as sRGB (IEC 61966-2-1): float32 (...) -> uint8 (...). What is over 0.8 nears 1 slowly, as on film."""
    return _TABLE[np.clip(light * (_STEPS / _BRIGHTEST), 0, _STEPS - 1).astype(np.int16)]


def _table() -> np.ndarray:
    linear = (np.arange(_STEPS) + 0.5) * _BRIGHTEST / _STEPS
    soft = np.where(linear > 0.8, 0.8 + 0.2 * np.tanh((linear - 0.8) / 0.2), linear)
    srgb = np.where(soft <= 0.0031308, 12.92 * soft, 1.055 * soft ** (1 / 2.4) - 0.055)
    return np.rint(255 * srgb).astype(np.uint8)


_STEPS, _BRIGHTEST = 16_384, 2.0
_TABLE = _table()

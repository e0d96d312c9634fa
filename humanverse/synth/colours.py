"""Colours with names, for clothes, skin, hair and things; sRGB in [0, 1]."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from humanverse.synth.randomness import Rng, between, pick

Rgb = tuple[float, float, float]

CLOTHES: Mapping[str, Rgb] = {
    "white": (0.92, 0.92, 0.90), "black": (0.07, 0.07, 0.08), "grey": (0.50, 0.50, 0.51), "dark grey": (0.24, 0.24, 0.26),
    "navy": (0.10, 0.14, 0.30), "blue": (0.16, 0.34, 0.68), "light blue": (0.58, 0.75, 0.90), "red": (0.75, 0.12, 0.14),
    "dark red": (0.42, 0.07, 0.10), "green": (0.15, 0.45, 0.22), "olive": (0.37, 0.39, 0.20), "yellow": (0.92, 0.78, 0.22),
    "orange": (0.90, 0.47, 0.13), "pink": (0.92, 0.62, 0.70), "purple": (0.42, 0.22, 0.55), "brown": (0.38, 0.25, 0.16),
    "beige": (0.80, 0.71, 0.57), "turquoise": (0.16, 0.62, 0.62),
}  # fmt: skip
LEATHER: Mapping[str, Rgb] = {
    "black": (0.08, 0.08, 0.08), "brown": (0.33, 0.20, 0.12), "white": (0.88, 0.88, 0.86), "grey": (0.45, 0.45, 0.46),
    "red": (0.62, 0.12, 0.12), "blue": (0.18, 0.26, 0.50),
}  # fmt: skip
HAIR: Mapping[str, Rgb] = {
    "black": (0.07, 0.06, 0.06), "dark brown": (0.18, 0.11, 0.07), "brown": (0.32, 0.20, 0.11), "blond": (0.72, 0.56, 0.32),
    "red": (0.50, 0.20, 0.08), "grey": (0.58, 0.57, 0.55), "white": (0.84, 0.83, 0.80),
}  # fmt: skip
EYES: Mapping[str, Rgb] = {"brown": (0.23, 0.13, 0.07), "blue": (0.30, 0.45, 0.60), "green": (0.33, 0.42, 0.26)}
_SKIN: tuple[Rgb, ...] = (
    (0.97, 0.84, 0.76), (0.93, 0.77, 0.66), (0.88, 0.70, 0.56), (0.79, 0.60, 0.45), (0.67, 0.48, 0.34), (0.52, 0.35, 0.24),
    (0.38, 0.25, 0.17), (0.27, 0.17, 0.12),
)  # fmt: skip
"""From light to dark; what is between two is mixed."""


def skin(rng: Rng, tone: float) -> np.ndarray:
    """The colour of skin of a ``tone`` in [0, 1], light to dark, with some of a person's own tint: float64 (3,)."""
    place = tone * (len(_SKIN) - 1)
    low = min(int(place), len(_SKIN) - 2)
    mixed = np.array(_SKIN[low]) * (1 - place + low) + np.array(_SKIN[low + 1]) * (place - low)
    return np.asarray(np.clip(mixed * rng.normal(1.0, 0.025, 3), 0.05, 1.0))


def named(rng: Rng, colours: Mapping[str, Rgb]) -> tuple[str, np.ndarray]:
    """One of ``colours``, a little off: its name and float64 (3,)."""
    name = pick(rng, dict.fromkeys(colours, 1.0))
    return name, shade(rng, colours[name])


def shade(rng: Rng, colour: Rgb) -> np.ndarray:
    """``colour``, a little lighter or darker, a little off: float64 (3,)."""
    return np.asarray(np.clip(np.array(colour) * between(rng, 0.9, 1.1) + rng.normal(0, 0.015, 3), 0.02, 0.97))


def linear(srgb: np.ndarray) -> np.ndarray:
    """From sRGB to linear light (IEC 61966-2-1), both in [0, 1]."""
    srgb = np.asarray(srgb, np.float64)
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)

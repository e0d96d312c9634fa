"""Light: one key light that throws shadows, light from all around above and below, a little from the camera."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from humanverse.synth.randomness import Rng, between, chance
from humanverse.synth.rotations import unit


@dataclass(frozen=True)
class Light:
    """Colours are linear, float64 (3,), 1 being what makes a white surface white.

    Attributes:
        key: float64 (3,), to the key light, in the world.
        colour: of the key light.
        soft: its radius as seen from the scene: 0 throws sharp shadows.
        above, below: from all around.
        fill: from the camera.
        catcher: whether the floor is part of the photograph behind, so that only shadows are seen on it.
    """

    key: np.ndarray
    colour: np.ndarray
    soft: float
    above: np.ndarray
    below: np.ndarray
    fill: np.ndarray
    catcher: bool


def _tint(rng: Rng, warmth: float) -> np.ndarray:
    """White that is warm (1), neutral (0) or cold (-1)."""
    return np.array([1 + 0.12 * warmth, 1.0, 1 - 0.18 * warmth]) * rng.normal(1, 0.01, 3)


def draw(rng: Rng, outdoors: bool, catcher: bool) -> Light:
    """Light for a scene whose camera looks along positive y."""
    height, side = between(rng, 20, 75), between(rng, -110, 110)
    level = np.cos(np.radians(height))
    key = unit(
        np.array([level * np.sin(np.radians(side)), -level * np.cos(np.radians(side)), np.sin(np.radians(height))])
    )
    overcast = chance(rng, 0.4)
    strong = between(rng, 0.1, 0.45) if overcast else between(rng, 0.6, 1.15)
    soft = between(rng, 0.35, 0.7) if overcast or not outdoors else between(rng, 0.01, 0.08)
    warmth = between(rng, -0.3, 0.9) if not outdoors else between(rng, 0.0, 0.7)
    around = between(rng, 0.55, 0.85) if overcast else between(rng, 0.25, 0.5)
    sky = _tint(rng, -0.4 if outdoors else between(rng, -0.2, 0.6))
    above, below = around * sky, around * between(rng, 0.3, 0.6) * _tint(rng, 0.3)
    fill = between(rng, 0.05, 0.3) * _tint(rng, 0.1)
    return Light(key, strong * _tint(rng, warmth), soft, above, below, fill, catcher)

"""Random numbers that depend on the seed, the sample and what they are for, and on nothing else."""

from __future__ import annotations

import zlib

import numpy as np

Rng = np.random.Generator


def stream(seed: int, index: int, purpose: str, attempt: int = 0) -> Rng:
    """The numbers for one purpose in one sample: more drawn for one purpose change nothing for another.

    Args:
        seed: of the data set, 0 or more.
        index: of the sample, 0 or more.
        purpose: a name.
        attempt: 0 for the first try.
    """
    return np.random.Generator(
        np.random.Philox(np.random.SeedSequence([seed, index, zlib.crc32(purpose.encode()), attempt]))
    )


def between(rng: Rng, low: float, high: float) -> float:
    """Uniform in [low, high)."""
    return float(rng.uniform(low, high))


def chance(rng: Rng, probability: float) -> bool:
    return bool(rng.random() < probability)


def pick(rng: Rng, items: dict[str, float]) -> str:
    """One of the keys, as often as its value says."""
    names, weights = list(items), np.array(list(items.values()), np.float64)
    return names[int(rng.choice(len(names), p=weights / weights.sum()))]


def normal(rng: Rng, middle: float, spread: float, low: float, high: float) -> float:
    """A normal variate, clipped to [low, high]."""
    return float(np.clip(rng.normal(middle, spread), low, high))

"""Numbers that look random and are functions of what they are asked for, the same on every machine and with every library."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.uint64]


def salt(*facts: object) -> int:
    """64 bits of BLAKE2b over ``facts`` as text."""
    return int.from_bytes(blake2b("/".join(map(str, facts)).encode(), digest_size=8).digest(), "little")


def scatter(values: np.ndarray, salted: int) -> Numbers:
    """A number for each of ``values``, no two alike: SplitMix64's mixing function (Steele, Lea and Flood, OOPSLA 2014).

    Args:
        values: integers, from 0.
        salted: another one gives unrelated numbers.
    """
    with np.errstate(over="ignore"):
        mixed = (values.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15) ^ np.uint64(salted)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return mixed ^ (mixed >> np.uint64(31))


def shuffled(values: np.ndarray, salted: int) -> np.ndarray:
    """``values``, integers that are all different, in another order."""
    return values[np.argsort(scatter(values, salted), kind="stable")]


def shares(count: int, *facts: object) -> list[float]:
    """``count`` numbers in [0, 1), uniform over ``facts`` and unrelated to each other; at most eight."""
    digest = blake2b("/".join(map(str, facts)).encode(), digest_size=8 * count).digest()
    words = (digest[start : start + 8] for start in range(0, len(digest), 8))
    return [(int.from_bytes(word, "little") >> 11) / 2**53 for word in words]

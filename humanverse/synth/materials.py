"""What surfaces are made of: two colours, a pattern, a gloss; and which surface of a person a point belongs to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from humanverse.synth.colours import linear

PATTERNS = ("plain", "stripes across", "stripes along", "checks", "dots", "mottled", "boards", "tiles")
"""How the second colour lies on the first, by number; ``kernels.pattern`` draws them."""

SKIN, UPPER, LOWER, SHOES, SOCKS, HAIR, LIPS, BROWS, SCLERA, IRIS, PUPIL = range(11)
SURFACES = ("skin", "upper", "lower", "shoes", "socks", "hair", "lips", "brows", "sclera", "iris", "pupil")
"""Surfaces of a person; the numbers above index it."""


@dataclass(frozen=True)
class Material:
    """Attributes:
    colour: float (3,), sRGB in [0, 1].
    second: of the pattern.
    pattern: index into ``PATTERNS``.
    scale: of the pattern, metres from one repetition to the next.
    gloss: strength of the highlight, 0 for a dull surface.
    """

    colour: np.ndarray
    second: np.ndarray
    pattern: int = 0
    scale: float = 0.05
    gloss: float = 0.05

    @classmethod
    def plain(cls, colour: np.ndarray, gloss: float = 0.05) -> Material:
        return cls(colour, colour, 0, 0.05, gloss)


@dataclass(frozen=True)
class Table:
    """Materials as arrays: ``colours`` float32 (n, 2, 3) in linear light, ``patterns`` int32 (n,), ``numbers`` float32 (n, 2):
    scale and gloss."""

    colours: np.ndarray
    patterns: np.ndarray
    numbers: np.ndarray

    @classmethod
    def of(cls, materials: list[Material]) -> Table:
        colours = np.array([[linear(one.colour), linear(one.second)] for one in materials], np.float32)
        patterns = np.array([one.pattern for one in materials], np.int32)
        return cls(colours, patterns, np.array([[one.scale, one.gloss] for one in materials], np.float32))

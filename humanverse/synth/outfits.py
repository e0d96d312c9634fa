"""What somebody wears, drawn at random: a top, trousers or shorts, shoes; always all three."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from humanverse.synth import colours
from humanverse.synth.materials import PATTERNS, Material
from humanverse.synth.randomness import Rng, between, chance, pick


@dataclass(frozen=True)
class Cut:
    """How a kind of garment is cut; ranges to draw from.

    Attributes:
        length: of sleeves (1 is the elbow, 2 the wrist), of legs (1 knee, 2 ankle), of shoes (where on the leg they end).
        ease: metres between the garment and the body.
        folds: how much of the body's relief the garment hides, in steps of smoothing.
        often: how often it is drawn.
    """

    length: tuple[float, float]
    ease: tuple[float, float]
    folds: tuple[int, int]
    often: float


TOPS: Mapping[str, Cut] = {
    "t-shirt": Cut((0.45, 0.85), (0.006, 0.014), (40, 64), 4.0),
    "shirt": Cut((1.75, 1.95), (0.008, 0.016), (40, 64), 2.0),
    "sweater": Cut((1.85, 2.0), (0.014, 0.026), (36, 60), 2.0),
    "jacket": Cut((1.85, 2.0), (0.018, 0.030), (40, 64), 1.5),
    "polo shirt": Cut((0.5, 0.9), (0.006, 0.012), (40, 60), 1.0),
}
BOTTOMS: Mapping[str, Cut] = {
    "trousers": Cut((1.82, 1.95), (0.008, 0.020), (14, 26), 3.0),
    "jeans": Cut((1.82, 1.95), (0.006, 0.014), (12, 20), 2.5),
    "shorts": Cut((0.55, 0.95), (0.010, 0.022), (14, 24), 1.6),
    "leggings": Cut((1.75, 1.95), (0.003, 0.005), (6, 10), 0.7),
}
FOOTWEAR: Mapping[str, Cut] = {
    "shoes": Cut((1.95, 1.99), (0.010, 0.014), (40, 60), 2.0),
    "sneakers": Cut((1.93, 1.98), (0.012, 0.017), (40, 60), 2.5),
    "boots": Cut((1.55, 1.85), (0.012, 0.017), (40, 60), 0.8),
}
_PATTERNED = {"plain": 5.0, "stripes across": 1.0, "stripes along": 0.6, "checks": 1.0, "dots": 0.6, "mottled": 1.0}
_TOLD = {"stripes across": "striped ", "stripes along": "striped ", "checks": "checked ", "dots": "dotted "}
_UNLIKE = 0.30
"""Least difference between a garment and skin in one of red, green and blue."""
_JEANS = ("blue", "navy", "light blue", "black", "grey")


@dataclass(frozen=True)
class Garment:
    """Attributes:
    name: what it is.
    words: its colour, pattern and name, as a caption says them.
    length, ease, folds: as of ``Cut``.
    """

    name: str
    words: str
    length: float
    ease: float
    folds: int
    material: Material


@dataclass(frozen=True)
class Outfit:
    """Attributes:
    hem: metres that the top reaches below the waist.
    neck: metres from the base of the neck down to the neckline, and how much lower it is in front.
    tucked: whether the top goes into what is worn below.
    socks: where on the leg they end, and what they are of.
    """

    top: Garment
    bottom: Garment
    shoes: Garment
    hem: float
    neck: tuple[float, float]
    tucked: bool
    socks: float
    sock_material: Material


def draw(rng: Rng, skin: np.ndarray) -> Outfit:
    """An outfit; no garment has the colour of the ``skin``, float (3,), so that who is dressed looks dressed."""
    top = _garment(rng, TOPS, _unlike(colours.CLOTHES, skin), _PATTERNED)
    bottom = _garment(rng, BOTTOMS, _unlike(colours.CLOTHES, skin), {"plain": 4.0, "mottled": 1.0, "checks": 0.2})
    shoes = _garment(rng, FOOTWEAR, _unlike(colours.LEATHER, skin), {"plain": 1.0})
    _, sock = colours.named(rng, _unlike(colours.CLOTHES, skin))
    collar = top.name in ("shirt", "polo shirt", "jacket")
    neck = (-0.02, 0.02) if collar else (between(rng, -0.015, 0.02), between(rng, 0.0, 0.05))
    tucked = top.name in ("shirt", "t-shirt", "polo shirt") and chance(rng, 0.3)
    return Outfit(
        top, bottom, shoes, between(rng, 0.06, 0.18), neck, tucked, between(rng, 1.6, 1.9), Material.plain(sock, 0.02)
    )


def _unlike(palette: Mapping[str, colours.Rgb], skin: np.ndarray) -> dict[str, colours.Rgb]:
    """Colours that are not taken for skin: another hue or lightness."""
    return {name: colour for name, colour in palette.items() if np.abs(np.array(colour) - skin).max() > _UNLIKE}


def _garment(
    rng: Rng, kinds: Mapping[str, Cut], palette: Mapping[str, colours.Rgb], patterns: dict[str, float]
) -> Garment:
    name = pick(rng, {kind: cut.often for kind, cut in kinds.items()})
    cut = kinds[name]
    if name == "jeans":
        palette = {colour: palette[colour] for colour in _JEANS if colour in palette}
    colour, first = colours.named(rng, palette)
    pattern = pick(rng, patterns) if name != "leggings" else "plain"
    second = _second(rng, first, pattern)
    scale = between(rng, 0.03, 0.10) if pattern != "mottled" else between(rng, 0.004, 0.02)
    gloss = between(rng, 0.1, 0.5) if kinds is FOOTWEAR else between(rng, 0.0, 0.08)
    words = f"{colour} {_TOLD.get(pattern, '')}{name}"
    material = Material(first, second, PATTERNS.index(pattern), scale, gloss)
    return Garment(
        name, words, between(rng, *cut.length), between(rng, *cut.ease), int(rng.integers(*cut.folds)), material
    )


def _second(rng: Rng, first: np.ndarray, pattern: str) -> np.ndarray:
    if pattern == "mottled":
        return np.asarray(np.clip(first * between(rng, 0.72, 0.92), 0, 1))
    return colours.named(rng, colours.CLOTHES)[1]

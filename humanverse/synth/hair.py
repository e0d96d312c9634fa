"""Hair as a shell over the skull, beards as a tint of the jaw, and long hair as a mantle behind the head."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from humanverse.synth import colours
from humanverse.synth.materials import Material
from humanverse.synth.meshes import Mesh
from humanverse.synth.randomness import Rng, between, chance, pick
from humanverse.synth.regions import Regions
from humanverse.synth.rotations import unit

_CROWN = unit(np.array([0.0, 0.62, 0.78]))
"""The middle of the hair: upwards and backwards."""
_JAW = unit(np.array([0.0, -0.45, -0.89]))
_RADIUS = 0.1
"""Of the skull, metres: what makes cosines distances."""


@dataclass(frozen=True)
class Style:
    """Ranges: where hair begins (a cosine to the crown), its thickness in metres, how far a mantle hangs below the skull's
    middle in metres, how often it is drawn for women and for men."""

    line: tuple[float, float]
    thickness: tuple[float, float]
    mantle: tuple[float, float]
    often: tuple[float, float]


STYLES: Mapping[str, Style] = {
    "short": Style((-0.12, 0.02), (0.008, 0.020), (0, 0), (2.0, 6.0)),
    "cropped": Style((-0.05, 0.10), (0.002, 0.005), (0, 0), (0.3, 3.0)),
    "thick": Style((-0.15, -0.02), (0.022, 0.036), (0, 0), (1.5, 1.0)),
    "chin-length": Style((-0.15, -0.02), (0.014, 0.022), (0.08, 0.13), (2.0, 0.2)),
    "long": Style((-0.15, -0.02), (0.012, 0.022), (0.16, 0.30), (4.0, 0.3)),
    "no": Style((2.0, 2.1), (0, 0), (0, 0), (0.05, 0.7)),
}


@dataclass(frozen=True)
class Hair:
    """Attributes:
    name: of the style.
    colour: its name.
    line: cosine to the crown at which it begins.
    thickness: metres.
    smoothing: steps.
    mantle: metres that it hangs below the middle of the skull; 0 for none.
    beard: cosine to the jaw at which a beard begins; above 1 for none.
    """

    name: str
    colour: str
    material: Material
    line: float
    thickness: float
    smoothing: int
    mantle: float
    beard: float

    @property
    def words(self) -> str:
        return "no hair" if self.name == "no" else f"{self.name} {self.colour} hair"

    def field(self, regions: Regions) -> np.ndarray:
        """float64 (VERTICES,), positive under hair and beard."""
        scalp = (regions.ball @ _CROWN - self.line) * _RADIUS
        beard = (regions.ball @ _JAW - self.beard) * _RADIUS
        inside = np.linalg.norm(regions.rest - regions.skull, axis=1) < 0.19
        eyes = np.where(regions.eye > -1, 1.0, 0.0)
        return np.asarray(np.where(inside & (regions.head > 0.5), np.maximum(scalp, beard), -1.0) - eyes)


def draw(rng: Rng, woman: bool, old: float, palette: dict[str, float]) -> Hair:
    """Hair of somebody.

    Args:
        old: 0 for a young adult, 1 for an old one: more grey.
        palette: natural colours, and how often each.
    """
    name = pick(rng, {style: item.often[0 if woman else 1] for style, item in STYLES.items()})
    style = STYLES[name]
    grey = chance(rng, 0.9 * max(0.0, old - 0.3))
    colour = pick(rng, {"grey": 1.0, "white": 0.6}) if grey else pick(rng, palette)
    base = colours.shade(rng, colours.HAIR[colour])
    material = Material(base, np.clip(base * 0.7, 0, 1), 5, between(rng, 0.004, 0.01), between(rng, 0.05, 0.25))
    bearded = not woman and chance(rng, 0.3)
    beard = between(rng, 0.72, 0.86) if bearded else 2.0
    return Hair(
        name, colour, material, between(rng, *style.line), between(rng, *style.thickness), 8,
        between(rng, *style.mantle), beard,
    )  # fmt: skip


def mantle(hair: Hair, skull: np.ndarray, turn: np.ndarray, size: float) -> Mesh | None:
    """Long hair: a closed sheet around the back of the head, hanging from the skull.

    Args:
        skull: float (3,), the middle of the skull.
        turn: float (3, 3), the orientation of the head.
        size: of the head against that of the reference body.
    """
    if hair.mantle <= 0:
        return None
    around, down = np.linspace(-2.05, 2.05, 25), np.linspace(0, 1, 9)
    angle, fall = np.meshgrid(around, down)
    sheets = []
    for thickness in (0.0, 0.014):
        taper = 1 + 0.10 * fall - 0.25 * np.abs(angle / 2.05) ** 3 * fall
        x = np.sin(angle) * (0.088 + hair.thickness * 0.8 - thickness) * taper
        y = np.cos(angle) * (0.106 + hair.thickness * 0.8 - thickness) * (1 + 0.05 * fall) + 0.005
        z = 0.035 - fall * (0.035 + hair.mantle * (1 - 0.12 * np.abs(angle / 2.05)))
        sheets.append(np.stack([x, y, z], axis=-1).reshape(-1, 3))
    rows, columns = angle.shape
    grid = np.arange(rows * columns).reshape(rows, columns)
    quads = np.stack([grid[:-1, :-1], grid[1:, :-1], grid[1:, 1:], grid[:-1, 1:]], axis=-1).reshape(-1, 4)
    outside = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    border = np.concatenate([grid[0], grid[1:, -1], grid[-1, -2::-1], grid[-2:0:-1, 0]])
    after, count = np.roll(border, -1), rows * columns
    rim = np.concatenate(
        [np.stack([border, after, border + count], axis=1), np.stack([after, after + count, border + count], axis=1)]
    )
    faces = np.concatenate([outside, outside[:, ::-1] + count, rim])
    vertices = skull + size * np.concatenate(sheets) @ turn.T
    return Mesh(vertices, faces.astype(np.int32))

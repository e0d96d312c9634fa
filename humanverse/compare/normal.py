"""Normals against normals: the angle between them, pixel by pixel.

Mean, median and the shares below 11.25°, 22.5° and 30° are the figures of Fouhey, Gupta and Hebert ("Data-driven 3D primitives
for single image understanding", ICCV 2013): of all pixels of all pictures at once, as they give them, and of each picture, then
averaged. Only pixels that both layers have count; how many of B's those are is the coverage.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from humanverse.codec.maps import decode_normal
from humanverse.compare.coverage import Coverage
from humanverse.compare.findings import Findings, Headline, Numbers, Table, distributions
from humanverse.compare.frames import Placed, known, on_one_grid
from humanverse.compare.measure import Measure, Pair, Said, Side
from humanverse.plurals import plural

LEVELS = (11.25, 22.5, 30.0)
FIGURES = ("mean", "median", *(f"within_{level:g}" for level in LEVELS))
STEP = 0.01
"""Degrees up to which the median of all pixels is exact."""


def angles(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Degrees between vectors: float (..., 3) each, of any length but 0 -> (...). Exact for small angles too."""
    crossed = np.linalg.norm(np.cross(a, b), axis=-1)
    return np.degrees(np.arctan2(crossed, (a * b).sum(axis=-1)))


def _placed(said: Said) -> Placed | None:
    png = said.png()
    return None if png is None else Placed(decode_normal(png), tuple(said.row["map_box"]))


def _angles_on(grid: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, int]:
    """The angles where both have a normal, float (n,), and how many B has."""
    a, b = grid
    there = known(b)
    both = known(a) & there
    return angles(a[both], b[both]), int(there.sum())


def _figures(found: np.ndarray) -> dict[str, float]:
    """``FIGURES`` of some angles, float (n,), n > 0."""
    shares = [float((found < level).mean()) for level in LEVELS]
    return dict(zip(FIGURES, (float(found.mean()), float(np.median(found)), *shares), strict=True))


class AllPixels:
    """The same figures of the pixels of all pictures; in memory are counts by steps of ``STEP`` degrees."""

    def __init__(self) -> None:
        self._counts = np.zeros(round(180 / STEP) + 1, np.int64)
        self._sum = 0.0
        self._below = np.zeros(len(LEVELS), np.int64)

    def add(self, found: np.ndarray) -> None:
        self._counts += np.bincount((found / STEP).astype(int), minlength=len(self._counts))
        self._sum += float(found.sum())
        self._below += [(found < level).sum() for level in LEVELS]

    def figures(self) -> dict[str, Any]:
        number = int(self._counts.sum())
        if not number:
            return dict.fromkeys(FIGURES)
        median = (int(np.searchsorted(self._counts.cumsum(), number / 2)) + 0.5) * STEP
        values = (self._sum / number, median, *(int(below) / number for below in self._below))
        return dict(zip(FIGURES, values, strict=True))


class Normal(Measure):
    """Agreement of two normal layers."""

    disagreement = "mean angle, degrees"

    def __init__(self, a: Side, b: Side) -> None:
        super().__init__(a, b)
        self._numbers = {name: Numbers() for name in FIGURES}
        self._pixels = AllPixels()
        self._coverage = Coverage()
        self._skipped = 0

    def add(self, pair: Pair) -> float | None:
        maps = _placed(pair.a), _placed(pair.b)
        grid = on_one_grid(maps[0], maps[1]) if maps[0] and maps[1] else None
        found, there = _angles_on(grid) if grid else (np.zeros(0), 0)
        self._coverage.add(maps[1], maps[0], there, len(found))
        if not len(found):
            self._skipped += 1
            return None
        self._pixels.add(found)
        for name, value in _figures(found).items():
            self._numbers[name].add(value)
        return float(found.mean())

    def findings(self) -> Findings:
        pictures = len(self._numbers["mean"].items)
        means = {name: item.mean() for name, item in self._numbers.items()}
        pooled, covered = self._pixels.figures(), self._coverage.mean
        figures: dict[str, Any] = {
            "pictures": pictures,
            **means,
            "all_pixels": pooled,
            "covered": covered,
            "without_common_pixels": self._skipped,
        }
        columns = ("A against B", "pictures", "mean angle, °", "median, °", *(f"< {level:g}°" for level in LEVELS))
        rows = (("mean over pictures", pictures, *means.values()), ("all pixels", pictures, *pooled.values()))
        table = Table("Normals", columns, rows, "Of the pixels that both have.")
        shown = [
            ("mean angle of a picture, degrees", self._numbers["mean"], "free"),
            ("share of B's pixels that A has", self._coverage.shares, "unit"),
        ]
        headlines = (
            Headline("mean", pooled["mean"], more_is_better=False, unit="°", decimals=1),
            Headline("median", pooled["median"], more_is_better=False, unit="°", decimals=1),
            Headline("<11.25°", pooled["within_11.25"]),
        )
        return Findings(figures, (table,) if pictures else (), distributions(shown), self._notes(), headlines, covered)

    def _notes(self) -> tuple[str, ...]:
        skipped = (
            f"{plural(self._skipped, 'picture has', 'pictures have')} no pixels that both maps cover."
            if self._skipped
            else ""
        )
        return tuple(note for note in (self._coverage.note, skipped) if note)

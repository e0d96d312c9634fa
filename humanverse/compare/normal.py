"""Normals against normals: the angle between them, pixel by pixel.

Mean, median and the shares below 11.25°, 22.5° and 30° are the figures of Fouhey, Gupta and Hebert ("Data-driven 3D primitives
for single image understanding", ICCV 2013); here of each picture, then averaged over pictures.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from humanverse.codec.maps import decode_normal
from humanverse.compare.findings import Findings, Numbers, Table, distributions
from humanverse.compare.frames import Placed, on_one_grid
from humanverse.compare.measure import Measure, Pair, Said, Side

LEVELS = (11.25, 22.5, 30.0)


def angles(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Degrees between vectors: float (..., 3) each, of any length but 0 -> (...). Exact for small angles too."""
    crossed = np.linalg.norm(np.cross(a, b), axis=-1)
    return np.degrees(np.arctan2(crossed, (a * b).sum(axis=-1)))


def _placed(said: Said) -> Placed | None:
    png = said.png()
    return None if png is None else Placed(decode_normal(png), tuple(said.row["map_box"]))


class Normal(Measure):
    """Agreement of two normal layers."""

    disagreement = "mean angle, degrees"

    def __init__(self, a: Side, b: Side) -> None:
        super().__init__(a, b)
        self._numbers = {name: Numbers() for name in ("mean", "median", *(f"within_{level:g}" for level in LEVELS))}
        self._skipped = 0

    def add(self, pair: Pair) -> float | None:
        maps = _placed(pair.a), _placed(pair.b)
        grid = on_one_grid(maps[0], maps[1]) if maps[0] and maps[1] else None
        found = np.zeros(0) if grid is None else angles(*grid)
        found = found[np.isfinite(found)]
        if not len(found):
            self._skipped += 1
            return None
        self._numbers["mean"].add(float(found.mean()))
        self._numbers["median"].add(float(np.median(found)))
        for level in LEVELS:
            self._numbers[f"within_{level:g}"].add(float((found < level).mean()))
        return float(found.mean())

    def findings(self) -> Findings:
        pictures = len(self._numbers["mean"].items)
        means = {name: float(item.values().mean()) if pictures else None for name, item in self._numbers.items()}
        figures: dict[str, Any] = {"pictures": pictures, **means, "without_common_pixels": self._skipped}
        columns = ("", "pictures", "mean angle, °", "median, °", *(f"< {level:g}°" for level in LEVELS))
        table = Table("Normals", columns, (("A against B", pictures, *means.values()),), "Means over pictures.")
        shown = [("mean angle of a picture, degrees", self._numbers["mean"], "free")]
        skipped = f"{self._skipped} pictures have no pixels that both maps cover."
        return Findings(
            figures, (table,) if pictures else (), distributions(shown), (skipped,) if self._skipped else ()
        )

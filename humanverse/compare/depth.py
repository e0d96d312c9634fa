"""Depth against depth: after alignment of scale and shift; of scale alone, and as it is, where both are metric.

AbsRel = mean |a - b| / b; RMSE = root of the mean of (a - b)²; delta n = share of pixels with max(a/b, b/a) < 1.25^n
(Eigen et al., NIPS 2014). Only pixels with b > 0 count, that A has too; how many of B's those are is the coverage. Figures are of
B's quantity (``alignment``), taken of each picture and then averaged.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from humanverse.codec.maps import decode_depth
from humanverse.compare.alignment import Alignment, align, alignment, scale_alone
from humanverse.compare.coverage import Coverage
from humanverse.compare.findings import Findings, Headline, Numbers, Table, distributions
from humanverse.compare.frames import Placed, on_one_grid
from humanverse.compare.measure import Measure, Pair, Said, Side
from humanverse.plurals import plural

INVERSE, METRIC = "inverse", "metric"
LEAST_PIXELS = 16
FIGURES = ("abs_rel", "rmse", "delta1", "delta2", "delta3")


def errors(a: np.ndarray, b: np.ndarray) -> dict[str, float]:
    """``FIGURES`` of ``a`` against ``b``: float (n,), n > 0, b > 0."""
    apart = np.abs(a - b)
    worse = np.full(len(a), np.inf)
    np.divide(np.maximum(a, b), np.minimum(a, b), out=worse, where=a > 0)
    deltas = {f"delta{power}": float((worse < 1.25**power).mean()) for power in (1, 2, 3)}
    return {"abs_rel": float((apart / b).mean()), "rmse": float(np.sqrt((apart**2).mean())), **deltas}


def placed(said: Said) -> Placed | None:
    """The map of a row, where it lies; None if there is none."""
    png = said.png()
    if png is None:
        return None
    return Placed(decode_depth(png, said.row["scale"], said.row["offset"]), tuple(said.row["map_box"]))


@dataclass(frozen=True)
class Common:
    """What two maps say of the same cells: float (n,) each; how many cells B knows; which of the two are inverse depths."""

    a: np.ndarray
    b: np.ndarray
    known: int
    a_inverse: bool
    b_inverse: bool

    @property
    def enough(self) -> bool:
        """Whether they are cells enough to fit anything."""
        return len(self.b) >= LEAST_PIXELS

    def alignment(self) -> Alignment:
        """Scale and shift that bring A to B."""
        return alignment(self.a, self.b, self.a_inverse, self.b_inverse)


def common(a: Said, b: Said, maps: tuple[Placed | None, Placed | None]) -> Common:
    """The cells of the common grid in which B is positive and A has a value that can be compared with it.

    Args:
        maps: the two rows' maps, as ``placed`` gives them.
    """
    grid = on_one_grid(maps[0], maps[1]) if maps[0] and maps[1] else None
    inverse_a, inverse_b = (str(said.row["depth_kind"]) == INVERSE for said in (a, b))
    values_a, values_b = (one.ravel() for one in grid) if grid else (np.zeros(0), np.zeros(0))
    known = np.isfinite(values_b) & (values_b > 0)
    valid = known & np.isfinite(values_a)
    if inverse_b and not inverse_a:
        valid &= values_a > 0
    return Common(values_a[valid], values_b[valid], int(known.sum()), inverse_a, inverse_b)


ALIGNMENTS = {
    "aligned": "scale and shift",
    "scaled": "scale (ratio of medians; both metric)",
    "as_it_is": "none (both metric)",
}
"""What is done to A before it is compared, and how it is called."""


class Depth(Measure):
    """Agreement of two depth layers."""

    disagreement = "AbsRel after alignment"

    def __init__(self, a: Side, b: Side) -> None:
        super().__init__(a, b)
        self._errors = {way: {name: Numbers() for name in FIGURES} for way in ALIGNMENTS}
        self._coverage = Coverage()
        self._kinds: Counter[str] = Counter()
        self._skipped: Counter[str] = Counter()

    def add(self, pair: Pair) -> float | None:
        maps = placed(pair.a), placed(pair.b)
        cells = common(pair.a, pair.b, maps)
        self._coverage.add(maps[1], maps[0], cells.known, len(cells.b))
        if not cells.enough:
            self._skipped["pictures"] += 1
            return None
        kinds = str(pair.a.row["depth_kind"]), str(pair.b.row["depth_kind"])
        self._kinds[f"{kinds[0]} against {kinds[1]}"] += 1
        if kinds == (METRIC, METRIC):
            self._measure_metric(cells.a, cells.b)
        return self._measure(cells)

    def _measure(self, cells: Common) -> float:
        aligned = cells.alignment()
        self._skipped["turned"] += aligned.turned
        found = errors(aligned(cells.a), cells.b)
        self._note("aligned", found)
        return found["abs_rel"]

    def _measure_metric(self, a: np.ndarray, b: np.ndarray) -> None:
        """What only says something where 0 of either is the camera's place."""
        scaled = align(a, b, False, False, scale_alone)
        if not scaled.turned:
            self._note("scaled", errors(scaled.values, b))
        self._note("as_it_is", errors(a, b))

    def _note(self, way: str, found: dict[str, float]) -> None:
        for name, value in found.items():
            self._errors[way][name].add(value)

    def findings(self) -> Findings:
        means = {way: found for way in ALIGNMENTS if (found := _means(self._errors[way]))["pictures"]}
        covered = self._coverage.mean
        figures: dict[str, Any] = {
            **means,
            "covered": covered,
            "kinds": dict(self._kinds),
            "without_common_pixels": self._skipped["pictures"],
            "negative_scale": self._skipped["turned"],
        }
        rows = [(ALIGNMENTS[way], *found.values()) for way, found in means.items()]
        columns = ("alignment of A to B", "pictures", "AbsRel", "RMSE", "< 1.25", "< 1.25²", "< 1.25³")
        table = Table("Depth", columns, tuple(rows), "Means over pictures. RMSE is in B's unit.")
        aligned = self._errors["aligned"]
        shown = [
            ("AbsRel after alignment", aligned["abs_rel"], "free"),
            ("share < 1.25 after alignment", aligned["delta1"], "unit"),
            ("share of B's pixels that A has", self._coverage.shares, "unit"),
        ]
        best = means.get("aligned", {})
        headlines = (
            Headline("AbsRel", best.get("abs_rel"), more_is_better=False),
            Headline("RMSE", best.get("rmse"), more_is_better=False),
            Headline("δ<1.25", best.get("delta1")),
        )
        return Findings(figures, (table,) if rows else (), distributions(shown), self._notes(), headlines, covered)

    def _notes(self) -> tuple[str, ...]:
        quantity = (
            "Scale and shift are fitted in inverse depth where one of the two is inverse, else in depth; figures are of B's "
            "quantity."
        )
        kinds = "; ".join(f"{name}: {plural(number, 'picture')}" for name, number in self._kinds.most_common())
        turned = self._skipped["turned"]
        backwards = (
            f"In {plural(turned, 'picture')} A shrinks where B grows: no positive scale helps." if turned else ""
        )
        skipped = self._skipped["pictures"]
        without = (
            f"{plural(skipped, 'picture has', 'pictures have')} too few pixels that both maps cover." if skipped else ""
        )
        return tuple(note for note in (quantity, self._coverage.note, kinds, backwards, without) if note)


def _means(numbers: dict[str, Numbers]) -> dict[str, Any]:
    return {"pictures": len(numbers["abs_rel"].items), **{name: item.mean() for name, item in numbers.items()}}

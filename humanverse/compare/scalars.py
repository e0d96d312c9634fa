"""Kinds whose rows are plain numbers: their differences, how they go together, and how each is distributed."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from humanverse.compare.findings import Distribution, Findings, Headline, Numbers, Table
from humanverse.compare.measure import Measure, Pair, Side

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "aesthetic": ("score",),
    "safety": ("unsafe",),
    "watermark": ("watermark",),
    "similarity": ("score", "truncated"),
    "text": ("text_area_ratio", "has_text"),
    "quality": ("sharpness", "brightness", "contrast", "colorfulness", "saturated_ratio", "jpeg_quality"),
}
"""The numbers (and flags, as 0 and 1) of each kind; the first is the one by which samples differ, unless ``RELATIVE`` says so."""
RELATIVE = frozenset({"quality"})
"""Kinds whose samples differ by the mean of |a - b| / (|a| + |b|) over all columns, as these have different units."""


def correlations(a: np.ndarray, b: np.ndarray) -> tuple[float | None, float | None]:
    """Pearson's and Spearman's (ranks, ties averaged); None where one of the two is constant, or there are fewer than two."""
    from scipy import stats

    if len(a) < 2 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return None, None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return float(stats.pearsonr(a, b).statistic), float(stats.spearmanr(a, b).statistic)


def _first(a: np.ndarray, b: np.ndarray) -> float | None:
    return float(abs(a[0] - b[0])) if np.isfinite(a[0] - b[0]) else None


def _relative(a: np.ndarray, b: np.ndarray) -> float | None:
    there = np.isfinite(a) & np.isfinite(b)
    whole = np.abs(a) + np.abs(b)
    parts = np.divide(np.abs(a - b), whole, out=np.zeros(len(a)), where=there & (whole > 0))
    return float(parts[there].mean()) if there.any() else None


class Scalars(Measure):
    """Agreement of two layers of numbers."""

    def __init__(self, a: Side, b: Side) -> None:
        super().__init__(a, b)
        kind = a.layer.partition("/")[0]
        self._columns = COLUMNS[kind]
        self._difference: Callable[[np.ndarray, np.ndarray], float | None] = _relative if kind in RELATIVE else _first
        self.disagreement = (
            "mean of |A − B| / (|A| + |B|) over the columns" if kind in RELATIVE else f"|A − B| of {self._columns[0]}"
        )
        self._values = {name: (Numbers(), Numbers()) for name in self._columns}

    def add(self, pair: Pair) -> float | None:
        a, b = (np.array([_number(said.row[name]) for name in self._columns]) for said in (pair.a, pair.b))
        for index, numbers in enumerate(self._values.values()):
            if np.isfinite(a[index]) and np.isfinite(b[index]):
                numbers[0].add(a[index])
                numbers[1].add(b[index])
        return self._difference(a, b)

    def findings(self) -> Findings:
        found = {name: (a.values(), b.values()) for name, (a, b) in self._values.items()}
        figures = {name: _figures(a, b) for name, (a, b) in found.items()}
        rows = tuple((name, *values.values()) for name, values in figures.items() if values["pictures"])
        columns = ("column", "pictures", "mean A", "mean B", "mean A − B", "mean |A − B|", "Pearson", "Spearman")
        shown = [
            Distribution(f"{name}, {what}", values)
            for name, (a, b) in found.items()
            if len(a)
            for what, values in (("A", a), ("B", b), ("A − B", a - b))
        ]
        first = figures[self._columns[0]]
        headlines = (
            Headline(f"|A−B| {self._columns[0]}", first.get("mean_absolute_difference"), more_is_better=False),
            Headline("Pearson", first.get("pearson")),
        )
        return Findings(
            dict(figures), (Table("Numbers", columns, rows),) if rows else (), tuple(shown), headlines=headlines
        )


def _number(value: Any) -> float:
    return float("nan") if value is None else float(value)


def _figures(a: np.ndarray, b: np.ndarray) -> dict[str, float | int | None]:
    if not len(a):
        return {"pictures": 0}
    pearson, spearman = correlations(a, b)
    return {
        "pictures": len(a),
        "mean_a": float(a.mean()),
        "mean_b": float(b.mean()),
        "mean_difference": float((a - b).mean()),
        "mean_absolute_difference": float(np.abs(a - b).mean()),
        "pearson": pearson,
        "spearman": spearman,
    }

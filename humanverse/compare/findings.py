"""What a comparison found, in a form that a terminal, a page and JSON can all show."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Cell = str | int | float | None
QUANTILES = {"p5": 0.05, "p50": 0.5, "p95": 0.95}


@dataclass(frozen=True)
class Table:
    """Figures in rows; the first cell of each names it, None is "nothing to say"."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""


@dataclass(frozen=True)
class Distribution:
    """Values to draw a histogram of; ``shape`` is a key of ``humanverse.report.histogram.SHAPES``."""

    title: str
    values: np.ndarray
    shape: str = "free"


@dataclass(frozen=True)
class Headline:
    """One of the two or three figures by which layers of a kind are judged; None if there was nothing to measure.

    Attributes:
        unit: written after the value.
        decimals: that it is written with.
    """

    name: str
    value: float | None
    more_is_better: bool = True
    unit: str = ""
    decimals: int = 3

    @property
    def arrow(self) -> str:
        """Up if more is better."""
        return "↑" if self.more_is_better else "↓"

    @property
    def better(self) -> str:
        """``more`` or ``less``."""
        return "more" if self.more_is_better else "less"

    @property
    def text(self) -> str:
        """The value with its unit; a dash for nothing."""
        return "–" if self.value is None else f"{self.value:.{self.decimals}f}{self.unit}"


@dataclass(frozen=True)
class Findings:
    """What one kind's measure found.

    Attributes:
        figures: JSON values by name.
        tables: the figures as a person reads them.
        distributions: of the values of the samples (or people); only those that have any.
        notes: what one must know to read them.
        headlines: the figures that stand for all of them in a table of many layers.
        covered: of what B has (pixels, points, people) the share that A has too; None where that means nothing.
    """

    figures: dict[str, Any]
    tables: tuple[Table, ...] = ()
    distributions: tuple[Distribution, ...] = ()
    notes: tuple[str, ...] = ()
    headlines: tuple[Headline, ...] = ()
    covered: float | None = None


@dataclass
class Numbers:
    """One float32 for each sample or person, as they come."""

    items: array = field(default_factory=lambda: array("f"))

    def add(self, value: float) -> None:
        self.items.append(value)

    def values(self) -> np.ndarray:
        """float64 (n,)."""
        return np.frombuffer(self.items, np.float32).astype(np.float64) if self.items else np.zeros(0)

    def mean(self) -> float | None:
        """None of no values."""
        return float(self.values().mean()) if self.items else None

    def summary(self) -> dict[str, float | int]:
        """``count``, ``mean`` and the quantiles of ``QUANTILES``; of no values only ``count``."""
        values = self.values()
        if not len(values):
            return {"count": 0}
        quantiles = np.quantile(values, list(QUANTILES.values()))
        named = {name: float(value) for name, value in zip(QUANTILES, quantiles, strict=True)}
        return {"count": len(values), "mean": float(values.mean()), **named}


def distributions(items: Sequence[tuple[str, Numbers, str]]) -> tuple[Distribution, ...]:
    """(title, numbers, shape) as distributions, those without finite values left out."""
    named = [(title, numbers.values(), shape) for title, numbers, shape in items]
    finite = [(title, values[np.isfinite(values)], shape) for title, values, shape in named]
    return tuple(Distribution(title, values, shape) for title, values, shape in finite if len(values))


def ratio(part: float, whole: float) -> float | None:
    """``part`` of ``whole``; None where there is nothing to divide by."""
    return part / whole if whole else None

"""Histograms as geometry: bins of equal width on paper, the median's place among them. The template draws them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from humanverse.report.wording import count, figure, percent

BINS = 24
UNIT_BINS = 20
MOST_WHOLE = 12
"""Whole numbers from here on share a bar."""
LOG_SPREAD = 10.0
"""95 % over 5 % quantile from which the axis is logarithmic."""
TAIL = 0.005
"""Share of the values that a long tail gathers into its end bar."""


@dataclass(frozen=True)
class Bar:
    """One bar: ``x`` and ``width`` in [0, 1] of the drawing, ``height`` relative to the highest bar."""

    x: float
    width: float
    height: float
    label: str


@dataclass(frozen=True)
class Histogram:
    """What the template draws.

    Attributes:
        bars: from left to right.
        ticks: (place in [0, 1], text) below the bars.
        median: (place in [0, 1], text), or None where it says nothing.
        summary: the same in words.
    """

    bars: tuple[Bar, ...]
    ticks: tuple[tuple[float, str], ...]
    median: tuple[float, str] | None
    summary: str


@dataclass(frozen=True)
class Bins:
    """Where values fall.

    Attributes:
        edges: float64 (bins + 1,), rising; the first and last bin also take what lies outside.
        names: of the bins.
        ticks: (place, text) below the bars.
        scale: maps values to where bins are equally wide.
    """

    edges: np.ndarray
    names: tuple[str, ...]
    ticks: tuple[tuple[float, str], ...]
    scale: Callable[[np.ndarray], np.ndarray] = np.asarray

    def place(self, value: float) -> float:
        """Where ``value`` lies on the drawing, in [0, 1]."""
        low, high, at = self.scale(
            np.array([self.edges[0], self.edges[-1], np.clip(value, self.edges[0], self.edges[-1])])
        )
        return float((at - low) / (high - low))


def _span(values: np.ndarray, edges: np.ndarray, scale: Callable[[np.ndarray], np.ndarray], middle: float) -> Bins:
    """Bins between ``edges``, named and labelled; an end beyond which there are values is open."""
    names = [f"{figure(low)} to {figure(high)}" for low, high in pairwise(edges)]
    start, end = figure(edges[0]), figure(edges[-1])
    if values.min() < edges[0]:
        names[0], start = f"up to {figure(edges[1])}", f"≤ {start}"
    if values.max() > edges[-1]:
        names[-1], end = f"{figure(edges[-2])} and more", f"≥ {end}"
    return Bins(edges, tuple(names), ((0, start), (0.5, figure(middle)), (1, end)), scale)


def whole(values: np.ndarray) -> Bins:
    """One bin for each whole number from 0 on; the last takes all from ``MOST_WHOLE``."""
    top = int(min(max(values.max(), 1), MOST_WHOLE))
    names = [str(number) for number in range(top + 1)]
    if values.max() > top:
        names[-1] = f"{top} and more"
    shown = range(0, top + 1, 1 if top <= 6 else 3)
    ticks = tuple(((number + 0.5) / (top + 1), names[number].replace(" and more", "+")) for number in shown)
    return Bins(np.arange(top + 2) - 0.5, tuple(names), ticks)


def unit(values: np.ndarray) -> Bins:
    """Equal bins from 0 to 1."""
    return _span(values, np.linspace(0, 1, UNIT_BINS + 1), np.asarray, 0.5)


def flag(values: np.ndarray) -> Bins:
    """No and yes."""
    return Bins(np.array([-0.5, 0.5, 1.5]), ("no", "yes"), ((0.25, "no"), (0.75, "yes")))


def free(values: np.ndarray) -> Bins:
    """Equal bins over the values' own range; logarithmic if it spans much; a long tail goes into its end bar."""
    low, start, p5, p95, end, high = (float(value) for value in np.quantile(values, [0, TAIL, 0.05, 0.95, 1 - TAIL, 1]))
    if low == high:
        half = abs(low) / 2 or 0.5
        return Bins(low + half * np.array([-5, -3, -1, 1, 3, 5]), ("", "", figure(low), "", ""), ((0.5, figure(low)),))
    if low > 0 and p95 / p5 >= LOG_SPREAD:
        return _span(values, np.geomspace(start, end, BINS + 1), np.log, float(np.sqrt(start * end)))
    top = end if high - low > 1.5 * (end - low) > 0 else high
    return _span(values, np.linspace(low, top, BINS + 1), np.asarray, (low + top) / 2)


SHAPES: dict[str, Callable[[np.ndarray], Bins]] = {"whole": whole, "unit": unit, "flag": flag, "free": free}


def histogram(values: np.ndarray, shape: str, total: int | None = None) -> Histogram:
    """The histogram of ``values``.

    Args:
        values: float (n,), n > 0, finite.
        shape: a key of ``SHAPES``.
        total: how many values there are, if ``values`` is a sample of them.
    """
    bins = SHAPES[shape](values)
    places = np.clip(np.searchsorted(bins.edges, values, side="right") - 1, 0, len(bins.names) - 1)
    counts = np.bincount(places, minlength=len(bins.names))
    width = 1 / len(counts)
    bars = tuple(
        Bar(index * width, width, number / counts.max(), f"{name}: {percent(number / len(values))}")
        for index, (name, number) in enumerate(zip(bins.names, counts, strict=True))
    )
    number = f"n\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}{count(len(values) if total is None else total)}"
    if shape == "flag":
        return Histogram(bars, bins.ticks, None, f"yes: {percent(float(np.mean(values)))}; {number}")
    p5, median, p95 = (float(value) for value in np.quantile(values, [0.05, 0.5, 0.95]))
    marked = bins.place(median), figure(median)
    summary = f"median {figure(median)}; 5–95 %: {figure(p5)}–{figure(p95)}; {number}"
    if bins.scale is np.log:
        summary += "; logarithmic axis"
    return Histogram(bars, bins.ticks, marked, summary)

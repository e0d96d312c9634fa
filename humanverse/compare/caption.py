"""Captions against captions: how alike the texts are, and how long.

``ratio`` is rapidfuzz's ``fuzz.ratio`` / 100: 1 - (insertions and deletions of characters) / (length of both). ``words`` is its
``fuzz.token_sort_ratio`` / 100, the same after lower-casing, dropping punctuation and sorting the words: order does not count.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from humanverse.compare.findings import Findings, Headline, Numbers, Table, distributions, ratio
from humanverse.compare.measure import Measure, Pair, Side


class Caption(Measure):
    """Agreement of two caption layers."""

    disagreement = "1 − similarity of the texts (rapidfuzz fuzz.ratio)"

    def __init__(self, a: Side, b: Side) -> None:
        super().__init__(a, b)
        self._ratio, self._words = Numbers(), Numbers()
        self._lengths = {"a": Numbers(), "b": Numbers()}
        self._equal = 0

    def add(self, pair: Pair) -> float | None:
        from rapidfuzz import fuzz, utils

        a, b = pair.a.row["text"] or "", pair.b.row["text"] or ""
        similar = fuzz.ratio(a, b) / 100
        self._ratio.add(similar)
        self._words.add(fuzz.token_sort_ratio(a, b, processor=utils.default_process) / 100)
        self._lengths["a"].add(len(a.split()))
        self._lengths["b"].add(len(b.split()))
        self._equal += a == b
        return 1 - similar

    def findings(self) -> Findings:
        pictures = len(self._ratio.items)
        measured = {"ratio": self._ratio, "words": self._words}
        lengths = {f"words_in_{side}": numbers for side, numbers in self._lengths.items()}
        figures: dict[str, Any] = {
            "pictures": pictures,
            "equal_texts": self._equal,
            **{name: numbers.summary() for name, numbers in {**measured, **lengths}.items()},
        }
        names = ("characters", "words in any order", "words in A", "words in B")
        rows = tuple(
            (name, *(_quantities(numbers)))
            for name, numbers in zip(names, (*measured.values(), *lengths.values()), strict=True)
        )
        share = ratio(self._equal, pictures)
        table = Table(
            "Captions",
            ("", "mean", "5 %", "median", "95 %"),
            rows,
            f"Similarity of characters: rapidfuzz fuzz.ratio / 100; of words: token_sort_ratio / 100. Equal texts: "
            f"{self._equal}" + ("." if share is None else f" ({share:.1%})."),
        )
        shown = [
            ("similarity of characters", self._ratio, "unit"),
            ("similarity of words in any order", self._words, "unit"),
            ("words in A", self._lengths["a"], "free"),
            ("words in B", self._lengths["b"], "free"),
        ]
        headlines = (Headline("characters", self._ratio.mean()), Headline("words", self._words.mean()))
        return Findings(figures, (table,) if pictures else (), distributions(shown), headlines=headlines)


def _quantities(numbers: Numbers) -> tuple[float | None, ...]:
    values = numbers.values()
    if not len(values):
        return (None,) * 4
    return (float(values.mean()), *(float(value) for value in np.quantile(values, [0.05, 0.5, 0.95])))

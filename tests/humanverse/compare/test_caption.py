"""Captions: similarity and length."""

from __future__ import annotations

import pytest

from humanverse.compare.caption import Caption
from tests.humanverse.compare.rows import measured, pair, sides


def test_similarity_of_characters_and_of_words() -> None:
    measure = Caption(*sides("caption"))
    texts = [("A man runs.", "A man runs."), ("a man", "man, A"), ("abcd", "wxyz"), ("", "")]
    values = measured(measure, *(pair({"text": a}, {"text": b}) for a, b in texts))
    assert values[0] == values[3] == 0 and values[2] == 1
    assert values[1] is not None and 0 < values[1] < 1
    figures = measure.findings().figures
    assert (figures["pictures"], figures["equal_texts"]) == (4, 2)
    assert figures["words_in_a"]["mean"] == pytest.approx((3 + 2 + 1 + 0) / 4)


def test_the_order_of_words_does_not_count_for_words() -> None:
    measure = Caption(*sides("caption"))
    measured(measure, pair({"text": "a man"}, {"text": "man, A"}), pair({"text": "abcd"}, {"text": "wxyz"}))
    assert measure.findings().figures["words"]["mean"] == 0.5


def test_ratio_counts_insertions_and_deletions() -> None:
    measure = Caption(*sides("caption"))
    assert measured(measure, pair({"text": "abcd"}, {"text": "abxd"})) == [pytest.approx(1 - (1 - 2 / 8))]


def test_no_pictures() -> None:
    found = Caption(*sides("caption")).findings()
    assert found.tables == () and found.distributions == ()

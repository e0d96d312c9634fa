"""Vectors of texts that are remembered."""

from __future__ import annotations

import numpy as np

from humanverse.retrieval.embedder import Remembering
from tests.humanverse.retrieval.toy import Words


def test_a_text_is_embedded_once() -> None:
    words = Words()
    once = Remembering(words)
    first, second = once(["a woman", "a man", "a woman"]), once(["a child", "a man"])
    assert words.seen == ["a woman", "a man", "a child"]
    assert np.array_equal(first, Words()(["a woman", "a man", "a woman"]))
    assert np.array_equal(second, Words()(["a child", "a man"]))
    assert once([]).shape == (0, Words.width)
    assert once.name == "words"


def test_no_more_are_remembered_than_may_be() -> None:
    words = Words()
    once = Remembering(words, most=2)
    assert once(["a", "b", "c"]).shape == (3, Words.width)
    once(["c", "a"])
    assert words.seen == ["a", "b", "c", "a"]

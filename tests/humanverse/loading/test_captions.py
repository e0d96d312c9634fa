"""Captions by weight."""

from __future__ import annotations

from collections import Counter

from humanverse.loading.captions import choose_caption


def test_captions_come_as_often_as_their_weights_say() -> None:
    texts, weights = {"source": "a", "caption/x": "b", "caption/y": "c"}, {"source": 1, "caption/x": 3, "caption/y": 0}
    chosen = Counter(choose_caption(texts, weights, number / 1000)[1] for number in range(1000))
    assert chosen == {"source": 250, "caption/x": 750}


def test_what_a_sample_lacks_is_made_up_for_by_the_others() -> None:
    weights = {"source": 0.5, "caption/x": 0.5}
    for share in (0.0, 0.4, 0.999999):
        assert choose_caption({"source": None, "caption/x": "b"}, weights, share) == ("b", "caption/x")
        assert choose_caption({"source": "a", "caption/x": "  "}, weights, share) == ("a", "source")
        assert choose_caption({"source": "", "caption/x": None}, weights, share) == ("", "")

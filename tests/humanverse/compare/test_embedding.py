"""Embeddings: the cosine of each picture's two vectors, of one model alone."""

from __future__ import annotations

import numpy as np
import pytest

from humanverse.compare.embedding import Embedding
from humanverse.compare.measure import Side
from humanverse.errors import UserError
from tests.humanverse.compare.rows import measured, pair, sides


def test_vectors_agree_as_their_angle_says() -> None:
    measure = Embedding(*sides("embedding"))
    others = [[1.0, 0.0], [0.6, 0.8], [0.0, 1.0], [-1.0, 0.0]]
    values = measured(measure, *(pair({"vector": [1.0, 0.0]}, {"vector": other}) for other in others))
    np.testing.assert_allclose(np.array(values, float), [0, 0.4, 1, 2], atol=1e-6)
    found = measure.findings()
    assert found.figures["pictures"] == 4 and found.figures["cosine"]["mean"] == pytest.approx(0.15, abs=1e-6)
    assert found.tables[0].rows[0][0] == "cosine" and len(found.distributions) == 1
    assert [(item.name, item.arrow, item.text) for item in found.headlines] == [("cosine", "↑", "0.150")]


def test_without_pairs_there_is_nothing_to_show() -> None:
    measure = Embedding(*sides("embedding"))
    assert measured(measure, pair({"vector": [1.0]}, {"vector": [0.6, 0.8]})) == [None]
    assert measure.findings().figures["pictures"] == 0 and measure.findings().tables == ()


def test_vectors_of_two_models_are_not_compared() -> None:
    a, b = (Side(f"embedding/{name}", {"model": name}) for name in ("clip", "siglip"))
    with pytest.raises(UserError, match="embedding/clip is of clip, embedding/siglip of siglip") as told:
        Embedding(a, b)
    assert "\n" not in str(told.value)

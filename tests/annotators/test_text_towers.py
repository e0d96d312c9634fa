"""Texts beside an embedding layer of pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from annotators.text_towers import TextTower
from humanverse.dataset.reader import Dataset
from humanverse.errors import UserError
from pipelines.annotate import annotate
from pipelines.plan_layers import Asked
from tests.annotators import tiny_towers
from tests.datasets import make_dataset

TEXTS = ["a cat", "a dog", "a cat and a dog"]


@pytest.fixture
def weights(tmp_path: Path) -> str:
    (tmp_path / "model").mkdir()
    return str(tiny_towers.siglip(tmp_path / "model"))


def test_texts_meet_the_pictures_as_in_the_similarity_layer(tmp_path: Path, weights: str) -> None:
    """The cosine of a text's vector and the embedding layer's is what the similarity layer says of picture and text."""
    place = str(tmp_path / "people")
    make_dataset(tmp_path / "people", shards=1, per_shard=3)
    for kind in ("embedding", "similarity"):
        annotate(place, Asked({kind: "siglip2"}, weights=[(kind, weights)]), local=True)
    dataset = Dataset(place)
    tower = TextTower("siglip2", dataset.layer_card("embedding/siglip2"), weights)
    pictures = np.array(dataset.layer("embedding/siglip2", 0).column("vector").to_pylist())
    texts = tower(dataset.images(0).column("caption").to_pylist())
    assert texts.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(texts, axis=1), 1, atol=1e-6)
    scores = dataset.layer("similarity/siglip2", 0).column("score").to_pylist()
    np.testing.assert_allclose((texts * pictures).sum(axis=1), scores, atol=1e-5)
    with pytest.raises(UserError, match="embedding/siglip2 was made with weights of your own: give them"):
        TextTower("siglip2", dataset.layer_card("embedding/siglip2"))


def test_other_weights_are_refused(weights: str) -> None:
    tower = TextTower("siglip2", {"weights": {"model": "ab" * 32}}, weights)
    with pytest.raises(UserError, match="embedding/siglip2 was made with other weights than instead of"):
        tower(TEXTS)


def test_a_model_without_texts_is_refused() -> None:
    with pytest.raises(
        UserError, match="texts cannot be compared with embedding/dino: name captions, or a layer of clip"
    ):
        TextTower("dino", {})

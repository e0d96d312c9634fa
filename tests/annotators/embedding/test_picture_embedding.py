"""Embeddings by CLIP and SigLIP 2: length 1, the bare model's, their width in the card, and how they are read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch

from annotators.base import Picture
from annotators.embedding.clip_l14 import ClipL14
from annotators.embedding.picture_embedding import PictureEmbedding
from annotators.embedding.siglip2 import Siglip2
from annotators.weights import WeightError, from_path
from humanverse.codec import encode_jpeg
from humanverse.dataset.reader import Dataset
from humanverse.dataset.selection import Selection
from humanverse.dataset.stats import collect
from pipelines.annotate import annotate
from pipelines.plan_layers import Asked
from pipelines.view import make
from schemas.layer_rules import Rows, broken
from schemas.layers import KINDS
from tests.annotators import tiny_towers
from tests.annotators.added import PHOTOGRAPHS, holds, photographs_here
from tests.datasets import make_dataset

needs_photographs = pytest.mark.skipif(not photographs_here(), reason="the test photographs are not here")


class TinyClip(ClipL14):
    """The same with tiny towers."""

    card = replace(ClipL14.card, name="tiny-clip-l14")
    architecture = tiny_towers.CLIP


@dataclass(frozen=True)
class Made:
    """An estimator of tiny size, and a function that writes its weights."""

    annotator: type[PictureEmbedding]
    weights: Callable[[Path], Path]
    width: int

    def named(self) -> str:
        return f"{__name__}:{self.annotator.__name__}"


MADE = {
    "clip": Made(TinyClip, tiny_towers.clip, tiny_towers.CLIP_WIDTH),
    "siglip2": Made(Siglip2, tiny_towers.siglip, tiny_towers.SIGLIP_WIDTH),
}


@pytest.fixture(params=sorted(MADE))
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Made:
    tiny_towers.know_clip(tmp_path)
    return MADE[request.param]


def weights(made: Made, folder: Path) -> Path:
    (folder / "weights").mkdir()
    return made.weights(folder / "weights")


def loaded(made: Made, path: Path, **settings: Any) -> PictureEmbedding:
    (weight,) = made.annotator.card.weights
    found = made.annotator(made.annotator.Settings(**settings), weights={weight: from_path(path)})
    found.load()
    return found


def pictures(count: int) -> list[Picture]:
    noise = np.random.default_rng(0).integers(0, 255, (count, 90, 120, 3), np.uint8)
    return [Picture(str(number), encode_jpeg(rgb, 95)) for number, rgb in enumerate(noise)]


def test_a_vector_is_the_bare_models_at_length_one(made: Made, tmp_path: Path) -> None:
    annotator = loaded(made, weights(made, tmp_path), batch_size=3)
    shown = pictures(3)
    rows: list[Any] = list(annotator.annotate(shown, {}))
    for picture, row in zip(shown, rows, strict=True):
        with torch.inference_mode():
            bare = annotator.model(annotator._images.input(picture.rgb)[None])[0]
        assert row["vector"].dtype == np.float32 and row["vector"].shape == (made.width,)
        np.testing.assert_allclose(row["vector"], (bare / bare.norm()).numpy(), atol=1e-5)
        np.testing.assert_allclose(np.linalg.norm(row["vector"]), 1, rtol=1e-5)


def test_the_card_of_the_layer_says_how_wide_it_is(made: Made, tmp_path: Path) -> None:
    make_dataset(tmp_path / "people", shards=1, per_shard=3)
    path = weights(made, tmp_path)
    asked = Asked({"embedding": made.named()}, {"embedding": "tiny"}, weights=[("embedding", str(path))])
    assert annotate(str(tmp_path / "people"), asked, local=True).lost == {}
    dataset = Dataset(str(tmp_path / "people"))
    assert dataset.layer_card("embedding/tiny")["width"] == made.width
    assert not [name for name in collect(dataset)[0] if name.startswith("embedding")]
    assert (
        dataset.layer("embedding/tiny", 0).column("vector").combine_chunks().value_lengths().to_pylist()
        == [made.width] * 3
    )


def test_views_filter_by_what_is_computed_of_vectors(tmp_path: Path) -> None:
    tiny_towers.know_clip(tmp_path)
    place = str(tmp_path / "people")
    make_dataset(tmp_path / "people", shards=2, per_shard=3)
    path = weights(MADE["siglip2"], tmp_path)
    annotate(place, Asked({"embedding": "siglip2"}, weights=[("embedding", str(path))]), local=True)
    dataset = Dataset(place)
    table = pa.concat_tables(dataset.layer("embedding/siglip2", shard) for shard in dataset.shards())
    first = sorted(vector[0] for vector in table.column("vector").to_pylist())
    cut = (first[2] + first[3]) / 2
    make(place, "some", [f"embedding.vector[1] > {cut:.9f} and len(embedding.vector) = {tiny_towers.SIGLIP_WIDTH}"])
    selection: Selection = Dataset(place).select("some")
    assert sum(selection.read(shard).images.num_rows for shard in dataset.shards()) == 3


@pytest.mark.parametrize(
    ("vectors", "wrong"),
    [
        ([[0.6, 0.8], [0.6, 0.81]], {1: "has a vector that is not of length 1"}),
        ([[1.0, 0.0], [0.0, 0.0]], {1: "has a vector that is not of length 1"}),
        ([[1.0, 0.0], []], {1: "has a vector of another width than the first"}),
        ([[1.0, 0.0], [0.6, 0.8, 0.0]], {1: "has a vector of another width than the first"}),
        ([[1.0, 0.0], [0.6, float("nan")]], {1: "has a vector that is not a number"}),
        ([[1.0, 0.0], [0.6, 0.8]], {}),
    ],
)
def test_other_vectors_are_no_rows(vectors: list[list[float]], wrong: dict[int, str]) -> None:
    kind = KINDS["embedding"]
    rows = [{"uid": str(index), "status": "ok", "vector": vector} for index, vector in enumerate(vectors)]
    found = {}
    for bad, message in broken(Rows(kind, pa.Table.from_pylist(rows, schema=kind.schema), None)):
        found.update(dict.fromkeys(bad.tolist(), message))
    assert found == wrong


def test_another_model_is_refused_in_one_line(tmp_path: Path) -> None:
    from transformers import ViTConfig, ViTModel

    ViTModel(
        ViTConfig(hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32)
    ).save_pretrained(tmp_path)
    with pytest.raises(WeightError, match="holds a vit model, not siglip"):
        loaded(MADE["siglip2"], tmp_path)


@needs_photographs
def test_rows_on_photographs(made: Made, tmp_path: Path) -> None:
    rows = holds(tmp_path, "embedding", made.named(), [weights(made, tmp_path)], PHOTOGRAPHS[:3])
    vectors = np.array([one.row["vector"] for one in rows.values()])
    assert (np.triu(vectors @ vectors.T, 1) < 0.99999).all()


@pytest.mark.slow
@needs_photographs
def test_clip_of_full_size_runs(tmp_path: Path) -> None:
    path = tiny_towers.clip(tmp_path, ClipL14.architecture)
    rows = holds(tmp_path, "embedding", "clip-l14", [path], PHOTOGRAPHS[:3])
    assert {len(one.row["vector"]) for one in rows.values()} == {ClipL14().width()}

"""Pictures compared with texts: the cosine of the bare models, where the text comes from, and when there is none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
import torch

from annotators.base import Picture
from annotators.embedding.siglip2 import Siglip2 as Siglip2Embedding
from annotators.run import Runner
from annotators.similarity.clip_l14 import ClipL14, ClipL14Caption
from annotators.similarity.picture_and_text import PictureAndText
from annotators.similarity.siglip2 import Siglip2, Siglip2Caption
from annotators.weights import from_path
from humanverse.codec import encode_jpeg
from humanverse.dataset.reader import Dataset
from humanverse.dataset.stats import collect
from humanverse.dataset.verify import verify
from pipelines.annotate import annotate
from pipelines.compact import compact
from pipelines.forget import Request, forget
from pipelines.plan_layers import Asked
from pipelines.view import make
from tests.annotators import tiny_towers
from tests.annotators.added import PHOTOGRAPHS, holds, photographs_here
from tests.datasets import make_dataset

needs_photographs = pytest.mark.skipif(not photographs_here(), reason="the test photographs are not here")
SCALE_AND_BIAS = 2
"""Numbers of the whole model that cosines do not need."""
LONG = " ".join(["dog"] * 40)


class TinyClip(ClipL14):
    """The same with tiny towers."""

    card = replace(ClipL14.card, name="tiny-clip-l14")
    architecture = tiny_towers.CLIP


class TinyClipCaption(ClipL14Caption):
    """The same with tiny towers."""

    card = replace(ClipL14Caption.card, name="tiny-clip-l14-caption")
    architecture = tiny_towers.CLIP


@dataclass(frozen=True)
class Made:
    """Estimators of tiny size, with the source's text and with the caption layer's, and what writes their weights."""

    annotator: type[PictureAndText]
    of_layer: type[PictureAndText]
    weights: Callable[[Path], Path]

    def named(self) -> str:
        return f"{__name__}:{self.annotator.__name__}"


MADE = {
    "clip": Made(TinyClip, TinyClipCaption, tiny_towers.clip),
    "siglip2": Made(Siglip2, Siglip2Caption, tiny_towers.siglip),
}


@pytest.fixture(params=sorted(MADE))
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Made:
    tiny_towers.know_clip(tmp_path)
    return MADE[request.param]


def weights(made: Made, folder: Path) -> Path:
    (folder / "weights").mkdir()
    return made.weights(folder / "weights")


def loaded(annotator: type[PictureAndText], path: Path, **settings: Any) -> PictureAndText:
    (weight,) = annotator.card.weights
    found = annotator(annotator.Settings(**settings), weights={weight: from_path(path)})
    found.load()
    return found


def picture(number: int, caption: str | None) -> Picture:
    rgb = np.random.default_rng(number).integers(0, 255, (90, 120, 3), np.uint8)
    return Picture(f"{number:032x}", encode_jpeg(rgb, 95), caption)


def bare(annotator: PictureAndText, shown: Picture, text: str) -> float:
    """The cosine by the towers alone."""
    pair = annotator._pair
    with torch.inference_mode():
        one, other = pair.model(pair.images.input(shown.rgb)[None], pair.texts.tokens(text).ids[None])
    return float((one[0] @ other[0]) / (one[0].norm() * other[0].norm()))


def test_a_score_is_the_cosine_of_the_bare_models(made: Made, tmp_path: Path) -> None:
    annotator = loaded(made.annotator, weights(made, tmp_path), batch_size=2)
    shown = [picture(0, "a dog"), picture(1, None), picture(2, "Two cats"), picture(3, LONG)]
    rows = Runner(annotator).table(shown, {}).to_pylist()
    assert [row["status"] for row in rows] == ["ok", "unavailable", "ok", "ok"]
    for at in (0, 2, 3):
        np.testing.assert_allclose(rows[at]["score"], bare(annotator, shown[at], shown[at].caption or ""), atol=1e-5)
    assert [row["truncated"] for row in rows] == [False, None, False, True]
    assert len({round(row["score"], 5) for row in rows if row["score"] is not None}) == 3


@pytest.mark.parametrize("caption", [None, "", " \n"])
def test_without_a_caption_there_is_no_score(made: Made, tmp_path: Path, caption: str | None) -> None:
    annotator = loaded(made.annotator, weights(made, tmp_path))
    (row,) = Runner(annotator).table([picture(0, caption)], {}).to_pylist()
    assert row == {
        "uid": picture(0, caption).uid,
        "status": "unavailable",
        "reason": "the source says nothing of it",
        "score": None,
        "truncated": None,
    }


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"status": "failed", "reason": "no word about a dog", "text": None}, "its caption row is failed"),
        ({"status": "unavailable", "reason": "forgotten", "text": None}, "its caption row is unavailable"),
    ],
)
def test_a_caption_layer_that_says_nothing_leaves_nothing(
    made: Made, tmp_path: Path, said: dict[str, Any], reason: str
) -> None:
    annotator = loaded(made.of_layer, weights(made, tmp_path))
    shown = [picture(0, "the source's words"), picture(1, None)]
    needs = {"caption": [said, {"status": "ok", "text": " a dog\n"}]}
    nothing, row = Runner(annotator).table(shown, needs).to_pylist()
    assert (nothing["status"], nothing["reason"], nothing["score"]) == ("unavailable", reason, None)
    np.testing.assert_allclose(row["score"], bare(annotator, shown[1], "a dog"), atol=1e-5)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A dataset with a similarity layer of each sort."""
    tiny_towers.know_clip(tmp_path)
    make_dataset(tmp_path / "people", shards=2, per_shard=3)
    path = weights(MADE["siglip2"], tmp_path)
    for name, reads in (("siglip2", {}), ("siglip2-caption", {"caption": "test"})):
        asked = Asked({"similarity": name}, weights=[("similarity", str(path))], reads=reads)
        assert annotate(str(tmp_path / "people"), asked, local=True).lost == {}
    return tmp_path / "people"


def test_the_layers_say_their_range_and_what_they_read(place: Path) -> None:
    dataset = Dataset(str(place))
    source, caption = (dataset.layer_card(f"similarity/{name}") for name in ("siglip2", "siglip2-caption"))
    assert source["score_range"] == caption["score_range"] == [-1.0, 1.0]
    assert (source["reads"], caption["reads"]) == ({}, {"caption": "caption/test"})
    assert source["fingerprint"] != caption["fingerprint"] and verify(dataset).findings == ()


def test_views_filter_by_the_score(place: Path) -> None:
    dataset = Dataset(str(place))
    table = pa.concat_tables(dataset.layer("similarity/siglip2", shard) for shard in dataset.shards())
    scores = sorted(table.column("score").to_pylist())
    cut = (scores[1] + scores[2]) / 2
    make(str(place), "alike", [f'"similarity/siglip2".score > {cut:.9f} and "similarity/siglip2".truncated'])
    selection = Dataset(str(place)).select("alike")
    assert sum(selection.read(shard).images.num_rows for shard in dataset.shards()) == 4


def test_figures_are_made_of_both_columns(place: Path) -> None:
    series, _ = collect(Dataset(str(place)))
    for layer in Dataset(str(place)).layers():
        if layer.startswith("similarity/"):
            assert series[f"{layer}.score"].count == 6
            assert series[f"{layer}.truncated"].values().tolist() == [1.0] * 6


def test_nothing_is_left_of_a_sample_that_is_forgotten(place: Path) -> None:
    dataset = Dataset(str(place))
    gone = dataset.images(0).to_pylist()[1]
    forget(str(place), Request(uids=(gone["uid"],)))
    compact(str(place))
    dataset = Dataset(str(place))
    for layer in ("similarity/siglip2", "similarity/siglip2-caption"):
        uids = [uid for shard in dataset.shards() for uid in dataset.layer(layer, shard).column("uid").to_pylist()]
        assert len(uids) == 5 and gone["uid"] not in uids
    held = [pa.parquet.read_table(path).to_pylist() for path in place.rglob("*.parquet")]
    values = {value for rows in held for row in rows for value in row.values() if isinstance(value, str)}
    assert "alt text of row 2" in values and gone["caption"] == "alt text of row 1" not in values
    assert verify(dataset).sound


def test_one_that_is_forgotten_before_is_not_compared(place: Path, tmp_path: Path) -> None:
    gone = Dataset(str(place)).images(1).to_pylist()[0]["uid"]
    forget(str(place), Request(uids=(gone,)))
    weight = tmp_path / "weights"
    asked = Asked({"similarity": "siglip2"}, {"similarity": "later"}, weights=[("similarity", str(weight))])
    annotate(str(place), asked, local=True)
    as_written = pa.parquet.read_table(place / "layers" / "similarity" / "later" / "000001.parquet").to_pylist()
    assert [(row["status"], row["reason"]) for row in as_written if row["uid"] == gone] == [
        ("unavailable", "forgotten")
    ]


@needs_photographs
def test_rows_on_photographs(made: Made, tmp_path: Path) -> None:
    rows = holds(tmp_path, "similarity", made.named(), [weights(made, tmp_path)], PHOTOGRAPHS[:3])
    assert len({one.row["score"] for one in rows.values()}) == 3


@pytest.mark.slow
@needs_photographs
def test_clip_of_full_size_runs(tmp_path: Path) -> None:
    path = tiny_towers.clip(tmp_path, ClipL14.architecture)
    rows = holds(tmp_path, "similarity", "clip-l14", [path], PHOTOGRAPHS[:3])
    assert all(-1 <= one.row["score"] <= 1 and not one.row["truncated"] for one in rows.values())


SO400M = {"hidden_size": 1152, "intermediate_size": 4304, "num_hidden_layers": 27, "num_attention_heads": 16}


@pytest.mark.slow
def test_siglip2_of_full_size_runs(tmp_path: Path) -> None:
    vision = {**SO400M, "image_size": 384, "patch_size": 14}
    text = {**SO400M, "vocab_size": 256_000, "max_position_embeddings": 64, "projection_size": 1152}
    folder = tiny_towers.siglip(tmp_path, vision, {**text, "bos_token_id": 2, "eos_token_id": 1})
    annotator = loaded(Siglip2, folder)
    assert sum(weight.numel() for weight in annotator.model.parameters()) == 1_136_008_498 - SCALE_AND_BIAS
    short, long = Runner(annotator).table([picture(0, "a dog"), picture(1, LONG * 2)], {}).to_pylist()
    assert -1 <= short["score"] <= 1 and not short["truncated"] and long["truncated"]
    del annotator
    embedding = Siglip2Embedding(weights={Siglip2Embedding.card.weights[0]: from_path(folder)})
    embedding.load()
    (row,) = Runner(embedding).table([picture(0, None)], {}).to_pylist()
    assert len(row["vector"]) == embedding.width() == 1152

"""Text to pose with its real models."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from annotators.cache import cache_root
from humanverse.dataset.reader import Dataset
from humanverse.errors import UserError
from humanverse.retrieval import sentence_model
from pipelines import pose_from_text
from pipelines.annotate import annotate
from pipelines.plan_layers import Asked
from tests.annotators import tiny_towers
from tests.humanverse.retrieval.toy import Row, Words, make


@pytest.fixture
def words(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """``Words`` in place of the sentence model, and a cache of our own."""
    monkeypatch.setenv("HUMANVERSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("annotators.text_encoders.folder", lambda encoder: tmp_path)
    monkeypatch.setattr(sentence_model, "SentenceModel", lambda folder, name: Words())


@pytest.mark.usefixtures("words")
def test_captions_are_compared_and_their_vectors_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make(tmp_path / "data", [Row("a woman dancing"), Row("a man riding")], [Row("a man who sits")])
    [[one]] = pose_from_text.find_poses(str(tmp_path / "data"), ["a man riding"])
    assert (one.shown, one.layer) == ("a man riding", "caption/test")
    assert cache_root() == tmp_path / "cache"
    assert len(list((cache_root() / pose_from_text.KEPT).rglob("*.npz"))) == 2
    told = capsys.readouterr().err
    assert "searching: 2/2 shards" in told and "3 samples" in told


@pytest.mark.usefixtures("words")
def test_no_table_is_read_for_the_progress_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path / "data", [Row("a woman")], [Row("a man")])
    images, read = Dataset.images, list[int]()

    def counted(dataset: Dataset, shard: int, columns: Sequence[str] | None = None) -> pa.Table:
        read.append(shard)
        return images(dataset, shard, columns)

    monkeypatch.setattr(Dataset, "images", counted)
    pose_from_text.find_poses(str(tmp_path / "data"), ["a man"])
    assert read == [0, 1]


def test_an_embedding_layer_is_compared_by_its_model(tmp_path: Path) -> None:
    store = make(tmp_path / "data", [Row("a woman"), Row("a man")])
    (tmp_path / "model").mkdir()
    weights = str(tiny_towers.siglip(tmp_path / "model"))
    annotate(store.url, Asked({"embedding": "siglip2"}, weights=[("embedding", weights)]), local=True)
    options = {"captions": ["embedding/siglip2"], "view": None, "n": 2}
    [found] = pose_from_text.find_poses(store.url, ["someone"], weights=weights, **options)  # type: ignore[arg-type]
    assert len({one.uid for one in found}) == 2
    assert {one.layer for one in found} == {"embedding/siglip2"}
    assert all(abs(one.score) <= 1 for one in found)


@pytest.mark.usefixtures("words")
def test_what_does_not_go_together_is_told(tmp_path: Path) -> None:
    make(tmp_path / "data", [Row("a woman")])
    place = str(tmp_path / "data")
    with pytest.raises(UserError, match="cannot be compared with quality: give source, caption, embedding, or a layer"):
        pose_from_text.find_poses(place, ["a woman"], captions=["quality"])
    with pytest.raises(UserError, match="weights are given for an embedding layer alone"):
        pose_from_text.find_poses(place, ["a woman"], weights="model")


@pytest.mark.slow
def test_minilm_says_what_sentence_transformers_says() -> None:
    """The cosines that sbert.net shows for all-MiniLM-L6-v2 (usage of a sentence transformer); neighbours change nothing."""
    from annotators import text_encoders

    model = sentence_model.SentenceModel(text_encoders.folder(text_encoders.MINILM), "minilm")
    texts = ["The weather is lovely today.", "It's so sunny outside!", "He drove to the stadium.", "", "a " * 600]
    vectors = model(texts)
    assert vectors.shape == (5, 384) and vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    shown = [[1.0, 0.6660, 0.1046], [0.6660, 1.0, 0.1411], [0.1046, 0.1411, 1.0]]
    np.testing.assert_allclose(vectors[:3] @ vectors[:3].T, shown, atol=2e-4)
    np.testing.assert_allclose(model(texts[1:2])[0], vectors[1], atol=1e-5)


@pytest.mark.slow
def test_posture_and_number_of_synthetic_people_are_found(tmp_path: Path) -> None:
    """On captions and skeletons of ``synth``: what is found is said to be what was asked for."""
    from pipelines.synth import settings_of, synth

    place = str(tmp_path / "people")
    synth(place, 60, 3, settings_of(size=128, device="cpu"), shard_size=60, local=True)
    asked = {"one person sitting on a chair": (1, "sitting"), "a woman walking": (1, "walking"), "two people": (2, "")}
    every = pose_from_text.find_poses(place, list(asked), captions=["caption/truth"], n=2, seed=1)
    for found, (people, word) in zip(every, asked.values(), strict=True):
        assert {len(one.people) for one in found} == {people}
        assert all(word in one.caption for one in found)
        assert {one.source["url"].partition(":")[0] for one in found} == {"synth"}

import json
from pathlib import Path

import pytest

from humanverse.dataset.reader import Dataset
from humanverse.report import layers
from tests.datasets import make_dataset


def test_facts_come_from_the_card_and_the_rows(tmp_path: Path) -> None:
    make_dataset(tmp_path / "d", shards=2, per_shard=3, unavailable={"depth": "none here"})
    found = layers.facts(Dataset(str(tmp_path / "d")), "depth/test", {"unavailable": 6})
    assert (found.model, found.licence, found.shards) == ("model of depth/test", "CC0-1.0", 2)
    assert found.weights == (("a.onnx", "ab" * 32),)
    assert found.statuses == (("ok", 0), ("failed", 0), ("unavailable", 6))
    assert found.reasons == (("unavailable", "none here", 6),)


def test_a_layer_without_failures_is_not_read_again(tmp_path: Path) -> None:
    make_dataset(tmp_path / "d", shards=1)
    (tmp_path / "d/layers/pose/test/000000.parquet").write_bytes(b"damaged")
    assert layers.facts(Dataset(str(tmp_path / "d")), "pose/test", {"ok": 3}).reasons == ()


def test_a_bare_card_is_no_error(tmp_path: Path) -> None:
    store = make_dataset(tmp_path / "d", shards=1)
    store.write("layers/pose/bare/layer.json", b"{}")
    found = layers.facts(Dataset(str(tmp_path / "d")), "pose/bare", {})
    assert (found.model, found.weights, found.shards) == ("not stated", (), 0)


def test_weights_of_the_users_own_are_told_with_the_model(tmp_path: Path) -> None:
    store = make_dataset(tmp_path / "d", shards=1)
    card = store.read("layers/pose/test/layer.json")
    store.write("layers/pose/test/layer.json", json.dumps({**json.loads(card), "own_weights": ["a.onnx"]}).encode())
    found = layers.facts(Dataset(str(tmp_path / "d")), "pose/test", {})
    assert found.model == "model of pose/test, with weights of the user's own"


def test_reasons_beyond_a_number_are_counted_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_dataset(tmp_path / "d", shards=1, per_shard=2, unavailable={"depth": "none here"})
    monkeypatch.setattr(layers, "REASONS_COUNTED", 0)
    found = layers.facts(Dataset(str(tmp_path / "d")), "depth/test", {"unavailable": 2})
    assert found.reasons == (("unavailable", layers.OTHER, 2),)

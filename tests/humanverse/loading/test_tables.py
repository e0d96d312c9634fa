"""What tables say about samples."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from humanverse.dataset import tombstones
from humanverse.dataset.reader import Dataset
from humanverse.loading.tables import Tables
from humanverse.storage import Store
from tests.datasets import make_dataset

LAYERS = ("pose/test", "caption/test", "depth/test")


def test_facts_are_those_of_the_rows_in_the_order_asked_for(tmp_path: Path) -> None:
    dataset = Dataset(make_dataset(tmp_path / "people", 2, 4).url)
    images, poses = (
        {shard: read(shard).to_pylist() for shard in (0, 1)}
        for read in (dataset.images, lambda n: dataset.layer("pose", n))
    )
    asked = [(1, 2), (0, 3), (1, 0)]
    shards = np.array([shard for shard, _ in asked])
    rows = np.array([images[shard][place]["row"] for shard, place in asked])
    for (shard, place), facts in zip(asked, Tables(dataset, LAYERS, 2).facts(shards, rows), strict=True):
        assert facts is not None
        assert facts.uid == images[shard][place]["uid"] and facts.shard == shard
        assert facts.image["caption"] == images[shard][place]["caption"]
        assert facts.layers["caption/test"]["text"].endswith(str(images[shard][place]["row"]))
        assert facts.layers["depth/test"]["map_width"] == 64
        assert facts.keypoints is not None and facts.keypoints.shape == (2, 133, 3)
        np.testing.assert_array_equal(facts.keypoints.reshape(2, -1), poses[shard][place]["keypoints"])


def test_a_row_that_is_not_there_is_none(tmp_path: Path) -> None:
    dataset = Dataset(make_dataset(tmp_path / "people", 1, 4).url)
    found = Tables(dataset, (), 2).facts(np.zeros(3, np.int64), np.array([0, 9999, 3]))
    assert [item is None for item in found] == [False, True, False]


def test_a_pose_that_is_not_known_has_no_keypoints(tmp_path: Path) -> None:
    dataset = Dataset(make_dataset(tmp_path / "people", 1, 4, unavailable={"pose": "none here"}).url)
    found = Tables(dataset, ("pose/test",), 2).facts(np.zeros(1, np.int64), np.zeros(1, np.int64))[0]
    assert found is not None and found.keypoints is None and found.layers["pose/test"]["status"] == "unavailable"


def test_what_is_forgotten_is_none_also_where_the_tables_were_read_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tombstones, "FRESH_S", 0.0)
    store = make_dataset(tmp_path / "people", 1, 4)
    tables, rows = Tables(Dataset(store.url), (), 2), np.arange(4)
    first = tables.facts(np.zeros(4, np.int64), rows)[2]
    assert first is not None
    tombstones.write(Store(store.url), tombstones.Tombstones(frozenset([first.uid])), "asked")
    assert [item is None for item in tables.facts(np.zeros(4, np.int64), rows)] == [False, False, True, False]


def test_only_so_many_shards_stay_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = Dataset(make_dataset(tmp_path / "people", 3, 2).url)
    size, images = 5, Dataset.images
    read: list[int] = []

    def noted(dataset: Dataset, shard: int, columns: Sequence[str] | None = None) -> pa.Table:
        read.append(shard)
        return images(dataset, shard, columns)

    monkeypatch.setattr(Dataset, "images", noted)
    tables = Tables(dataset, (), 2)
    for shard in (0, 1, 0, 2, 1, 2, 0):
        assert tables.facts(np.array([shard]), np.array([shard * size]))[0] is not None
    assert read == [0, 1, 2, 1, 0]

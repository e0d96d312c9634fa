"""A shard is written in an order that a kill cannot spoil, and always with the same bytes."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

import humanverse
from humanverse.dataset.commit import commit, write_tar
from humanverse.dataset.verify import verify
from tests.compare import assert_identical
from tests.datasets import make_dataset, make_shard
from tests.humanverse.dataset.stores import DyingStore, Killed, RecordingStore

WRITES = [
    "layers/person/test/000000.parquet",
    "layers/pose/test/000000.parquet",
    "layers/caption/test/000000.parquet",
    "layers/depth/test/000000.tar",
    "layers/depth/test/000000.parquet",
    "images/000000.tar",
    "images/000000.parquet",
    "ledger/000000.parquet",
]


def test_the_order_is_layers_tar_table_ledger(tmp_path: Path) -> None:
    make_dataset(tmp_path / "d", shards=0, planned_shards=1)
    store = RecordingStore(tmp_path / "d")
    commit(store, make_shard(0, 0, 3, {}, {}))
    assert store.written == WRITES


def test_the_same_shard_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        make_dataset(tmp_path / name, shards=1)
    assert_identical(tmp_path / "a", tmp_path / "b")
    again = RecordingStore(tmp_path / "b")
    before = {path: again.read(path) for path in WRITES}
    commit(again, make_shard(0, 0, 3, {}, {}))
    assert {path: again.read(path) for path in WRITES} == before


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("write", range(len(WRITES)))
def test_a_kill_at_any_write_is_made_good_by_the_next_commit(tmp_path: Path, write: int, after: bool) -> None:
    make_dataset(tmp_path / "whole", shards=1)
    make_dataset(tmp_path / "d", shards=0, planned_shards=1)
    dying = DyingStore(tmp_path / "d", write, after)
    with pytest.raises(Killed):
        commit(dying, make_shard(0, 0, 3, {}, {}))

    dataset = humanverse.open(str(tmp_path / "d"))
    is_committed = WRITES[-1] in dying.written
    assert dataset.shards() == ([0] if is_committed else [])
    assert len(dataset) == len(list(dataset.samples(["pose", "depth"]))) == (3 if is_committed else 0)
    for path in dying.written:
        assert dataset.store.read(path) == (tmp_path / "whole" / path).read_bytes()

    commit(dataset.store, make_shard(0, 0, 3, {}, {}))
    dataset.store.remove_temporary()
    assert_identical(tmp_path / "whole", tmp_path / "d")
    assert verify(dataset).findings == ()


def test_a_layer_without_maps_has_an_empty_tar(tmp_path: Path) -> None:
    store = make_dataset(tmp_path / "d", shards=1, unavailable={"depth": "no estimator"})
    dataset = humanverse.open(str(tmp_path / "d"))
    assert dataset.layer("depth", 0).column("map_offset").null_count == 3
    assert store.exists("layers/depth/test/000000.tar")
    assert verify(dataset).findings == ()


def test_a_shard_without_samples_is_sound(tmp_path: Path) -> None:
    make_dataset(tmp_path / "d", shards=1, per_shard=0)
    dataset = humanverse.open(str(tmp_path / "d"))
    assert list(dataset) == []
    assert verify(dataset).findings == ()


def test_only_what_is_there_gets_a_member(tmp_path: Path) -> None:
    store = RecordingStore(tmp_path)
    names = [f"{digit * 32}.depth.png" for digit in "abc"]
    places = write_tar(store, "x.tar", names, pa.chunked_array([pa.array([b"1", None, b"22"])]))
    assert [place and place.name for place in places] == [names[0], None, names[2]]
    for place, content in zip(places, (b"1", None, b"22"), strict=True):
        assert place is None or store.read_range("x.tar", place.offset, place.size) == content

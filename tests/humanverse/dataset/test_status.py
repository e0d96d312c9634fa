"""How far a dataset is, and work over its shards in bounded memory."""

from __future__ import annotations

import json
import threading
from collections.abc import Container
from pathlib import Path
from typing import Any

import pytest

import humanverse
from humanverse.dataset import blocklists, layout
from humanverse.dataset import status as job
from humanverse.dataset.reader import Dataset
from humanverse.dataset.status import THREADS, FailedRows, over_shards, status
from humanverse.dataset.views import write_filter, write_view
from humanverse.errors import DatasetError
from schemas.layers import KINDS, ROW_FAILED
from schemas.recipe import BlockSettings
from tests.datasets import LAYERS, make_dataset
from tests.humanverse.compare.test_run import Change, add_layer


def test_figures_of_a_complete_dataset(tmp_path: Path) -> None:
    store = make_dataset(tmp_path / "d", shards=2, per_shard=3)
    found = status(humanverse.open(str(tmp_path / "d")))
    assert (found.shards, found.planned_shards, found.rows, found.planned_rows, found.kept) == (
        2,
        2,
        12,
        12,
        6,
    )
    assert found.failed == {"not_an_image": 2, "timeout": 2}
    assert found.rejected == {"too_few_people": 2}
    assert found.layers == dict.fromkeys(sorted(LAYERS), 2)
    files = [path for path in (tmp_path / "d").rglob("*") if path.is_file()]
    assert found.bytes == sum(path.stat().st_size for path in files)
    assert found.url == store.url
    assert found.complete


def test_views_that_have_not_seen_all_shards_are_told(tmp_path: Path) -> None:
    store = make_dataset(tmp_path / "d", shards=3)
    for name, seen in (("old", [0]), ("new", [0, 1, 2])):
        write_view(store, name, [write_filter(store, name, iter(()), seen, {"command": "dedup"}, {})])
    assert status(humanverse.open(str(tmp_path / "d"))).views == {"new": 0, "old": 2}


def test_a_damaged_view_does_not_hide_the_rest(tmp_path: Path) -> None:
    make_dataset(tmp_path / "d", shards=2)
    (tmp_path / "d/views").mkdir()
    (tmp_path / "d/views/dedup.json").write_text("{")
    found = status(humanverse.open(str(tmp_path / "d")))
    assert (found.shards, found.views) == (2, {"dedup": 2})


def test_block_lists_in_force_are_told(tmp_path: Path) -> None:
    store = make_dataset(tmp_path / "d", shards=1)
    (tmp_path / "hosts.txt").write_text("a.example\n")
    blocklists.publish(store, blocklists.obtain(store, BlockSettings(domains=(str(tmp_path / "hosts.txt"),))), 4)
    (told,) = status(humanverse.open(store.url)).block_lists or ()
    assert (told["kind"], told["path"], told["entries"]) == ("domains", str(tmp_path / "hosts.txt"), 1)
    store.write(layout.BLOCKLIST_HISTORY, b"[")
    assert status(humanverse.open(store.url)).block_lists is None


def _failing(numbers: Container[int]) -> Change:
    nothing = dict.fromkeys(field.name for field in KINDS["caption"].columns)

    def change(row: int, said: dict[str, Any]) -> dict[str, Any]:
        return {**said, **nothing, "status": ROW_FAILED, "reason": "odd"} if row in numbers else said

    return change


def test_rows_of_layers_that_failed_are_counted(tmp_path: Path) -> None:
    dataset = Dataset(make_dataset(tmp_path / "d", shards=2, per_shard=3).url)
    add_layer(dataset, "caption/none", "caption/test", _failing(range(99)))
    add_layer(dataset, "caption/one", "caption/test", _failing([1]))
    assert status(Dataset(dataset.store.url)).failed_rows == {
        "caption/none": FailedRows(6, 6, 2),
        "caption/one": FailedRows(1, 6, 2),
    }
    (tmp_path / "d/layers/caption/one/000000.parquet").write_bytes(b"damaged")
    found = status(Dataset(dataset.store.url))
    assert list(found.failed_rows) == ["caption/none"] and found.layers["caption/one"] == 2
    assert json.loads(json.dumps(found.as_json()))["failed_rows"]["caption/none"]["failed"] == 6


def test_few_shards_of_a_large_layer_are_looked_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = Dataset(make_dataset(tmp_path / "d", shards=5, per_shard=2).url)
    monkeypatch.setattr(job, "LOOKED_INTO", 2)
    add_layer(dataset, "caption/none", "caption/test", _failing(range(99)))
    assert status(Dataset(dataset.store.url)).failed_rows == {"caption/none": FailedRows(4, 4, 2)}


def test_an_unfinished_dataset_is_not_complete(tmp_path: Path) -> None:
    make_dataset(tmp_path / "d", shards=1, per_shard=3, planned_shards=4)
    found = status(humanverse.open(str(tmp_path / "d")))
    assert (found.shards, found.planned_shards, found.rows, found.planned_rows) == (1, 4, 6, 24)
    assert not found.complete


def test_a_layer_that_is_being_added_is_not_complete(tmp_path: Path) -> None:
    make_dataset(tmp_path / "d", shards=2)
    (tmp_path / "d/layers/pose/test/000001.parquet").unlink()
    found = status(humanverse.open(str(tmp_path / "d")))
    assert found.layers["pose/test"] == 1
    assert not found.complete


def test_leftovers_of_a_shard_that_is_not_committed_do_not_count(tmp_path: Path) -> None:
    make_dataset(tmp_path / "d", shards=2)
    (tmp_path / "d/ledger/000001.parquet").unlink()
    found = status(humanverse.open(str(tmp_path / "d")))
    assert (found.shards, found.kept, found.layers["pose/test"]) == (1, 3, 1)


def test_an_empty_dataset(tmp_path: Path) -> None:
    make_dataset(tmp_path / "d", shards=0, planned_shards=2)
    found = status(humanverse.open(str(tmp_path / "d")))
    assert (found.shards, found.rows, found.kept, found.failed, found.complete) == (0, 0, 0, {}, False)


def test_as_json_is_json(tmp_path: Path) -> None:
    make_dataset(tmp_path / "d", shards=1)
    found = status(humanverse.open(str(tmp_path / "d")))
    assert json.loads(json.dumps(found.as_json()))["complete"] is True


def test_a_damaged_ledger_is_named(tmp_path: Path) -> None:
    make_dataset(tmp_path / "d", shards=2)
    (tmp_path / "d/ledger/000001.parquet").write_bytes(b"damaged")
    with pytest.raises(DatasetError, match=r"ledger/000001.parquet is damaged"):
        status(humanverse.open(str(tmp_path / "d")))


def test_work_over_shards_comes_in_order_and_never_runs_far_ahead() -> None:
    lock = threading.Lock()
    begun: list[int] = []

    def work(shard: int) -> int:
        with lock:
            begun.append(shard)
        return shard

    taken = 0
    for result in over_shards(work, range(500)):
        assert result == taken
        taken += 1
        assert len(begun) <= taken + 4 * THREADS
    assert taken == 500


def test_an_error_ends_the_work() -> None:
    def work(shard: int) -> int:
        if shard == 40:
            raise ValueError("shard 40")
        return shard

    taken = []
    with pytest.raises(ValueError, match="shard 40"):
        for result in over_shards(work, range(10_000_000)):
            taken.append(result)
    assert taken == list(range(40))

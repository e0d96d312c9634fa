"""Plans of retries, and which rows they supersede."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import humanverse
from humanverse.dataset import layout, retries
from humanverse.dataset.retries import Pass, PlannedShard, Superseding
from humanverse.errors import DatasetError
from schemas.recipe import FetchSettings
from tests.datasets import make_dataset, make_retry

SHARD = {"number": 4, "rows": 3, "first": 2, "last": 9}
"""Two shards of three samples and three lost rows: 3, 9 timed out, 4, 10 are no images."""


def made(*shards: dict[str, int], **values: Any) -> Pass:
    return Pass.model_validate({"reasons": ["dns"], "fetch": {}, "shards": shards, **values})


def test_a_plan_reads_as_it_was_written(tmp_path: Path) -> None:
    make_dataset(tmp_path / "d")
    written = make_retry(tmp_path / "d", ["timeout", "not_an_image"])
    assert humanverse.open(str(tmp_path / "d")).passes() == [written]
    entries = json.loads((tmp_path / "d/retries/000000.json").read_text())
    assert entries["reasons"] == ["not_an_image", "timeout"]
    assert entries["shards"] == [{"number": 2, "rows": 4, "first": 3, "last": 10}]
    assert FetchSettings.model_validate(entries["fetch"]) == FetchSettings()


@pytest.mark.parametrize(
    ("shards", "values", "why"),
    [
        ([], {}, "at least 1 item"),
        ([SHARD | {"rows": 0}], {}, "greater than or equal to 1"),
        ([SHARD | {"rows": 9}], {}, "more rows than there are"),
        ([SHARD | {"last": 1}], {}, "more rows than there are"),
        ([SHARD, SHARD | {"number": 5}], {}, "shard 5 does not follow shard 4"),
        ([SHARD, {"number": 6, "rows": 1, "first": 10, "last": 10}], {}, "shard 6 does not follow shard 4"),
        ([SHARD], {"reasons": ["duplicate"]}, "duplicate is no reason to try again"),
        ([SHARD], {"reasons": []}, "at least 1 item"),
        ([SHARD], {"fetch": {"retries": -1}}, "greater than or equal to 0"),
        ([SHARD], {"more": 1}, "not permitted"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(
    tmp_path: Path, shards: list[dict[str, int]], values: dict[str, Any], why: str
) -> None:
    with pytest.raises(ValueError, match=why):
        made(*shards, **values)
    store = make_dataset(tmp_path / "d", shards=1)
    entries = {"reasons": ["dns"], "fetch": {}, "shards": shards, **values}
    store.write(layout.retry_pass(0), json.dumps(entries).encode())
    with pytest.raises(DatasetError, match=r"retries/000000.json is damaged \(.*run humanverse verify"):
        humanverse.open(str(tmp_path / "d")).passes()


def test_only_what_is_committed_supersedes(tmp_path: Path) -> None:
    make_dataset(tmp_path / "d", shards=3, per_shard=1)
    make_retry(tmp_path / "d", ["timeout", "not_an_image"], commits=1)
    dataset = humanverse.open(str(tmp_path / "d"))
    final = {shard: dataset.ledger(shard, ["row"]).column("row").to_pylist() for shard in dataset.shards()}
    assert final == {0: [0, 3], 1: [4, 7], 2: [8, 9, 10, 11], 3: [1, 2, 5, 6]}
    assert dataset.ledger_as_written(0).num_rows == 4


def test_columns_come_alone_and_as_asked_for(tmp_path: Path) -> None:
    make_dataset(tmp_path / "d", shards=1, per_shard=1)
    make_retry(tmp_path / "d", ["timeout"], kept=[1])
    dataset = humanverse.open(str(tmp_path / "d"))
    assert dataset.ledger(0, ["status", "reason"]).to_pylist() == [
        {"status": "kept", "reason": None},
        {"status": "failed", "reason": "not_an_image"},
        {"status": "rejected", "reason": "too_few_people"},
    ]
    assert dataset.ledger(0).column_names == dataset.ledger_as_written(0).column_names
    assert dataset.ledger(1, ["row", "status"]).to_pylist() == [{"row": 1, "status": "kept"}]


def test_the_view_is_as_of_the_last_listing(tmp_path: Path) -> None:
    make_dataset(tmp_path / "d", shards=1, per_shard=1)
    dataset = humanverse.open(str(tmp_path / "d"))
    before = dataset.shards()
    make_retry(tmp_path / "d", ["timeout"])
    assert sum(dataset.ledger(shard).num_rows for shard in before) == 4
    assert sum(dataset.ledger(shard).num_rows for shard in dataset.shards()) == 4
    assert dataset.ledger(0).num_rows == 3


def test_a_row_tried_again_twice_is_final_in_the_last(tmp_path: Path) -> None:
    make_dataset(tmp_path / "d", shards=2)
    make_retry(tmp_path / "d", ["timeout"])
    second = make_retry(tmp_path / "d", ["timeout"], kept=[9])
    assert list(second.numbers) == [3]
    dataset = humanverse.open(str(tmp_path / "d"))
    found = {shard: dataset.ledger(shard, ["row"]).column("row").to_pylist() for shard in dataset.shards()}
    assert found == {0: [0, 1, 2, 4, 5], 1: [6, 7, 8, 10, 11], 2: [], 3: [3, 9]}
    assert [sample.columns["row"] for sample in dataset.samples()] == [0, 1, 2, 6, 7, 8, 9]


def many() -> Superseding:
    """Two retries of a thousand shards each, of a source of a million shards of 10 rows; every 500th row failed."""

    def rows(number: int) -> pa.Table:
        read.append(number)
        first = (number - 1_000_000) % 1000 * 10_000
        again = list(range(first, first + 10_000, 500))
        holders = [row // 10 if number < 1_001_000 else number - 1000 for row in again]
        return pa.table([again, holders], schema=retries.ROWS)

    read: list[int] = []
    passes = [
        made(*({"number": n, "rows": 20, "first": f, "last": f + 9_500} for n, f in zip(numbers, firsts, strict=True)))
        for numbers in (range(1_000_000, 1_001_000), range(1_001_000, 1_002_000))
        for firsts in (range(0, 10_000_000, 10_000),)
    ]
    found = Superseding(passes, range(1_000_000, 1_002_000), rows)
    found.read = read  # type: ignore[attr-defined]
    return found


def test_a_shard_opens_only_the_plans_that_can_concern_it() -> None:
    found = many()
    assert list(found.by_shard(55, 550, 559)) == []
    (superseded,) = found.by_shard(50, 500, 509)
    assert (superseded[0], superseded[1].to_pylist()) == (1_000_000, [500])
    assert found.read == [1_000_000, 1_001_000]  # type: ignore[attr-defined]
    assert found.span(1_000_999) == (9_990_000, 9_999_500)
    assert found.span(50) is None
    ((by, rows),) = found.by_shard(1_000_999, 9_990_000, 9_999_500)
    assert (by, len(rows)) == (1_001_999, 20)
    assert found.read == [1_000_000, 1_001_000, 1_001_999]  # type: ignore[attr-defined]


def test_few_tables_are_remembered_at_a_time() -> None:
    found = many()
    for number in range(0, 100_000, 50):
        found.rows(number, number * 10, number * 10 + 9)
    assert len(found._tables) <= retries.TABLES_KEPT
    assert len(found.read) == len(set(found.read))  # type: ignore[attr-defined]


def test_a_dataset_that_was_retried_can_be_sent_to_another_process(tmp_path: Path) -> None:
    make_dataset(tmp_path / "d", shards=1)
    make_retry(tmp_path / "d", ["timeout"])
    dataset = humanverse.open(str(tmp_path / "d"))
    assert dataset.ledger(0).num_rows == 5
    assert pickle.loads(pickle.dumps(dataset)).ledger(0).num_rows == 5


def test_an_unfinished_shard_is_known() -> None:
    one = made(SHARD, {"number": 5, "rows": 1, "first": 10, "last": 10})
    assert one.unfinished({4}) == [PlannedShard(number=5, rows=1, first=10, last=10)]
    assert (one.rows, list(one.numbers)) == (4, [4, 5])

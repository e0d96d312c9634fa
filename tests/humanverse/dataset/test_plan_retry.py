"""Which rows a retry chooses, and how they are cut into shards."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq

import humanverse
from humanverse.dataset.plan_retry import plan
from schemas.recipe import FetchSettings
from tests.datasets import make_dataset, make_retry


def planned(path: Path, number: int) -> list[tuple[int, int]]:
    """(row, shard) of a planned shard."""
    table = pq.read_table(path / f"retries/{number:06}.parquet")
    return list(zip(*(table.column(name).to_pylist() for name in ("row", "shard")), strict=True))


def test_shards_are_full_but_the_last(tmp_path: Path) -> None:
    make_dataset(tmp_path / "d", shards=5, per_shard=0)
    one = make_retry(tmp_path / "d", ["not_an_image", "timeout"])
    assert [(shard.number, shard.rows) for shard in one.shards] == [(5, 3), (6, 3), (7, 3), (8, 1)]
    assert [planned(tmp_path / "d", number) for number in one.numbers] == [
        [(0, 0), (1, 0), (3, 1)],
        [(4, 1), (6, 2), (7, 2)],
        [(9, 3), (10, 3), (12, 4)],
        [(13, 4)],
    ]


def test_rows_of_earlier_retries_and_of_the_source_are_merged_in_order(tmp_path: Path) -> None:
    make_dataset(tmp_path / "d", shards=5, per_shard=0)
    make_retry(tmp_path / "d", ["not_an_image"], kept=[4], reason="corrupt")
    make_retry(tmp_path / "d", ["timeout"], kept=[3, 9], reason="timeout")
    one = make_retry(tmp_path / "d", ["timeout", "corrupt"])
    assert [row for number in one.numbers for row in planned(tmp_path / "d", number)] == [
        (0, 7),
        (1, 5),
        (6, 7),
        (7, 5),
        (10, 6),
        (12, 8),
        (13, 6),
    ]


def test_rows_of_shards_that_are_not_there_are_left_alone(tmp_path: Path) -> None:
    make_dataset(tmp_path / "d", shards=2, per_shard=1, planned_shards=3)
    (tmp_path / "d/ledger/000000.parquet").unlink()
    one = make_retry(tmp_path / "d", ["timeout"])
    assert planned(tmp_path / "d", 3) == [(5, 1)]
    assert one.rows == 1


def test_nothing_to_try_again_writes_nothing(tmp_path: Path) -> None:
    make_dataset(tmp_path / "d", shards=2, per_shard=1)
    assert plan(humanverse.open(str(tmp_path / "d")), ["dns"], FetchSettings()) is None
    assert not (tmp_path / "d/retries").exists()

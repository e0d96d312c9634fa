"""Plans of merges, and the numbers that are free after them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from humanverse.dataset.merges import Merge, Merged, MergedShard, read_merge, write_merge
from humanverse.dataset.numbering import next_row, next_shard
from humanverse.errors import DatasetError
from tests.datasets import make_dataset, make_retry
from tests.merging import make


def merge_of(number: int, first: int, rows: list[int], **facts: Any) -> Merge:
    """A merge of shards with so many rows; of the other dataset's shards every second."""
    shards, row = [], first
    for index, count in enumerate(rows):
        shards.append(MergedShard(number=number + index, of=2 * index, first=row, rows=count))
        row += count
    given = {"url": "other", "identity": "0" * 64, "source": {}, "seen": 2 * len(rows), "layers": {}, **facts}
    return Merge(first_row=first, shards=tuple(shards), **given)


def test_what_it_has() -> None:
    made = merge_of(3, 10, [2, 5, 1])
    assert (list(made.numbers), made.rows, made.end_row) == ([3, 4, 5], 8, 18)
    assert [shard.number for shard in made.unfinished({0, 3, 5})] == [4]


def test_which_shards_came_by_merges() -> None:
    merged = Merged([merge_of(3, 10, [2, 5]), merge_of(7, 17, [1])])
    assert [number for number in range(10) if number in merged] == [3, 4, 7]
    found = merged.shard(4)
    assert found is not None
    assert (found.of, found.first, found.rows) == (2, 12, 5)
    assert Merged([]).shard(0) is None


def test_numbers_follow_all_that_was_planned(tmp_path: Path) -> None:
    make_dataset(tmp_path / "d", 2)
    dataset = make(tmp_path / "e", [[1], [2]])
    assert (next_shard(dataset), next_row(dataset)) == (2, 8)
    write_merge(dataset.store, 0, merge_of(2, 8, [4, 4]))
    assert (next_shard(dataset), next_row(dataset)) == (4, 16)
    assert make_retry(tmp_path / "e", ["timeout"], commits=0).numbers.start == 4
    assert (next_shard(dataset), next_row(dataset)) == (5, 16)


def test_a_plan_is_written_once(tmp_path: Path) -> None:
    store = make_dataset(tmp_path / "d", 1)
    made = merge_of(1, 6, [4])
    write_merge(store, 0, made)
    assert read_merge(store, 0) == made
    with pytest.raises(DatasetError, match="another merge was planned meanwhile"):
        write_merge(store, 0, made)

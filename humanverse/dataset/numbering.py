"""Which numbers of shards and rows are free: those after all that the source, retries and merges have taken."""

from __future__ import annotations

from humanverse.dataset.merges import read_merges
from humanverse.dataset.reader import Dataset


def next_shard(dataset: Dataset) -> int:
    """The number of the next shard that a retry or a merge may plan.

    Raises:
        DatasetError: if an earlier plan is damaged.
    """
    retries = (one.numbers.stop for one in dataset.passes())
    merges = (one.numbers.stop for one in read_merges(dataset.store))
    return max([dataset.planned_shards, *retries, *merges])


def next_row(dataset: Dataset) -> int:
    """The number of the first row that a merge may add.

    Raises:
        DatasetError: if an earlier plan is damaged.
    """
    return max((one.end_row for one in read_merges(dataset.store)), default=dataset.extent.rows)

"""``snapshot`` and ``verify --against``: pin what a run reads, and say later what has changed since."""

from __future__ import annotations

import math

from humanverse.dataset.against import Comparison, compare
from humanverse.dataset.reader import Dataset
from humanverse.dataset.snapshots import SnapshotCard, read_snapshot
from humanverse.dataset.take_snapshot import take
from pipelines.progress import Counts, Display, Local


def snapshot(url: str, view: str | None = None, name: str = "", tars: bool = False) -> tuple[int, SnapshotCard]:
    """Take a snapshot of the dataset at ``url``. Arguments, result and errors are those of
    ``humanverse.dataset.take_snapshot.take``."""
    dataset, count = Dataset(url), Local()
    with Display("snapshot", len(dataset.shards()), 0, count.counts, math.inf, unit="shards", note=_note):
        return take(dataset, view, name, tars, lambda shard: count(rows=1))


def verify_against(url: str, number: int) -> Comparison:
    """What has changed since the snapshot ``number``.

    Raises:
        DatasetError: if there is no such snapshot, or it is damaged.
    """
    dataset, count = Dataset(url), Local()
    shards = sum(1 for _ in read_snapshot(dataset.store, number).numbers())
    with Display("verify", shards, 0, count.counts, math.inf, unit="shards", note=_note):
        return compare(dataset, number, lambda shard: count(rows=1))


def _note(counts: Counts, rate: float) -> str:
    return f"{rate:.1f} shards/s"

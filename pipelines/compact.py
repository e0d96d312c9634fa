"""``compact``: what was forgotten leaves the files. Only shards that hold some of it are written anew."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator, Set
from dataclasses import asdict, dataclass, field
from typing import Any

from humanverse.dataset import layout
from humanverse.dataset.compact import Rewritten, holds, rewrite, stale, sweep, traces
from humanverse.dataset.compact_filters import compact_filters
from humanverse.dataset.reader import Dataset
from humanverse.dataset.status import over_shards
from humanverse.dataset.tombstones import Tombstones
from humanverse.errors import DatasetError
from humanverse.storage import StorageError
from pipelines.progress import Counts, Display, Local


@dataclass
class Result:
    """What ``compact`` did.

    Attributes:
        shards: that were looked at.
        rewritten: numbers of those that were written anew; of a dry run, that would be.
        samples: that are gone with them.
        rows: of ledgers that say only that they are forgotten, and did not before.
        maps: dense maps that are gone.
        filters: that were written anew.
        stale: files of earlier generations that were deleted.
        freed: bytes of them.
        checked: shards that were read to their end after that, and in which nothing was found: those that were written, and
            those of which an earlier run had left old files.
        failed: shard number -> why it was not written anew; it still holds what is forgotten.
        seconds: wall time.
    """

    shards: int
    rewritten: list[int] = field(default_factory=list)
    samples: int = 0
    rows: int = 0
    maps: int = 0
    filters: list[str] = field(default_factory=list)
    stale: int = 0
    freed: int = 0
    checked: int = 0
    failed: dict[int, str] = field(default_factory=dict)
    seconds: float = 0.0

    def add(self, done: Rewritten) -> None:
        self.samples, self.rows, self.maps = self.samples + done.samples, self.rows + done.rows, self.maps + done.maps

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "seconds": round(self.seconds, 3)}


def compact(url: str, dry_run: bool = False) -> Result:
    """Rewrite what holds something forgotten, delete the old files, and read the new ones to see that nothing is left.

    Killed at any moment, it goes on when it is run again.

    Args:
        dry_run: only say which shards would be written.

    Raises:
        UserError: for whatever the user can mend.
        DatasetError: if something forgotten was found where it must not be.
    """
    started = time.monotonic()
    dataset = Dataset(url)
    dead, shards = dataset.forgotten, dataset.shards()
    result, named = Result(len(shards)), dead.uids
    count = Local()
    with Display("compact", len(shards), 0, count.counts, math.inf, unit="shards", note=_note):
        if dead:
            for shard, wanted in zip(
                shards, over_shards(lambda shard: holds(dataset, shard, dead), shards), strict=True
            ):
                if wanted and dry_run:
                    result.rewritten.append(shard)
                elif wanted:
                    named |= _rewrite(dataset, shard, dead, result)
                count(rows=1, rewritten=int(wanted))
        if not dry_run:
            result.filters = compact_filters(dataset, named)
            old = list(stale(dataset))
            result.stale, result.freed = len(old), sweep(dataset, old)
            dataset.store.remove_temporary()
            _prove(dataset, {*result.rewritten, *_shards_of(old)}, result, dead | Tombstones(named))
    result.seconds = time.monotonic() - started
    return result


def _note(counts: Counts, rate: float) -> str:
    return f"{counts.get('rewritten', 0)} written anew"


def _rewrite(dataset: Dataset, shard: int, dead: Tombstones, result: Result) -> frozenset[str]:
    """Write one shard anew, or note why not; what it names beside ``dead``."""
    try:
        done = rewrite(dataset, shard, dead)
    except StorageError:
        raise
    except DatasetError as error:
        result.failed[shard] = str(error)
        return frozenset()
    result.rewritten.append(shard)
    result.add(done)
    return done.uids


def _shards_of(paths: Iterable[str]) -> Iterator[int]:
    files = (layout.shard_file(path.rpartition("/")[2]) for path in paths)
    return (file.number for file in files if file)


def _prove(dataset: Dataset, shards: Set[int], result: Result, dead: Tombstones) -> None:
    """Read what was written, and look for what is forgotten."""
    for shard in sorted(shards - result.failed.keys()):
        left = next(traces(dataset, shard, dead), None)
        if left:
            raise DatasetError(f"{dataset.store.url}/{left} still names something forgotten: run compact again")
        result.checked += 1

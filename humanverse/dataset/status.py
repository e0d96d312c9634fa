"""How far a dataset is: shards, the funnel of its rows, and how complete each layer is."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from humanverse.dataset import asking
from humanverse.dataset.blocklists import history
from humanverse.dataset.merges import Merge, read_merges
from humanverse.dataset.reader import Dataset
from humanverse.errors import DatasetError
from schemas.layers import ROW_FAILED
from schemas.ledger import FAILED, KEPT, REJECTED

THREADS = 8
LOOKED_INTO = 16
"""Shards of a layer whose rows are looked into, at the most: a status must stay quick, and a layer fails all over or hardly."""
S = TypeVar("S")
T = TypeVar("T")


def over_shards(work: Callable[[S], T], shards: Iterable[S]) -> Iterator[T]:
    """``work`` on every shard (its number, or what stands for it), several at once, results in order.

    No more than ``4 * THREADS`` of them wait in memory.
    """
    with ThreadPoolExecutor(THREADS) as pool:
        waiting: deque[Future[T]] = deque()
        try:
            for shard in shards:
                waiting.append(pool.submit(work, shard))
                if len(waiting) >= 4 * THREADS:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


@dataclass(frozen=True)
class FailedRows:
    """Rows of a layer that failed, in the shards that were looked into: all, or ``LOOKED_INTO`` evenly spread ones.

    Attributes:
        failed: 1 or more.
        rows: among how many.
        shards: that were looked into.
    """

    failed: int
    rows: int
    shards: int


@dataclass(frozen=True)
class Status:
    """Figures of a dataset as it is now.

    Attributes:
        url: where it is.
        shards: of the source, committed.
        planned_shards: of the source.
        supplementary_shards: of retries, committed.
        planned_supplementary_shards: of retries.
        merged_shards: from other datasets, committed.
        planned_merged_shards: from other datasets.
        rows: in the ledger.
        planned_rows: of the source and of merges.
        kept: rows that became samples, also at a second attempt. A row counts once, with its final status.
        rejected: rows by reason.
        failed: rows by error class.
        layers: committed shards by layer, the recipe's and others.
        merge_gaps: by layer, how many committed shards lack it only because a merge brought them, or brought the layer.
        completed_by: of a layer that not all committed shards have, what to tell ``humanverse annotate DATASET``.
        rendered_by: of truth of synthetic people that not all committed shards have, the whole command that makes it.
        failed_rows: by layer, of those in which any row failed.
        bytes: of all files.
        views: by name, how many committed shards a view cannot be read with: a filter has not seen them, they lack a layer, or
            the view is damaged.
        view_problems: of views that cannot be read at all, why.
        block_lists: ``kind``, ``path``, ``entries`` and ``sha256`` of those in force in the last run that did anything; None if
            the dataset's history of them is damaged.
    """

    url: str
    shards: int
    planned_shards: int
    rows: int
    planned_rows: int
    kept: int
    rejected: dict[str, int]
    failed: dict[str, int]
    layers: dict[str, int]
    bytes: int
    supplementary_shards: int = 0
    planned_supplementary_shards: int = 0
    views: dict[str, int] = field(default_factory=dict)
    block_lists: list[dict[str, Any]] | None = field(default_factory=list)
    completed_by: dict[str, str] = field(default_factory=dict)
    rendered_by: dict[str, str] = field(default_factory=dict)
    view_problems: dict[str, str] = field(default_factory=dict)
    merged_shards: int = 0
    planned_merged_shards: int = 0
    merge_gaps: dict[str, int] = field(default_factory=dict)
    failed_rows: dict[str, FailedRows] = field(default_factory=dict)

    @property
    def all_shards(self) -> int:
        """Committed shards, of the source, of retries and of merges."""
        return self.shards + self.supplementary_shards + self.merged_shards

    @property
    def complete(self) -> bool:
        """Whether all that was planned is there; what a layer lacks because of a merge was not."""
        planned = self.planned_shards + self.planned_supplementary_shards + self.planned_merged_shards
        having = (done + self.merge_gaps.get(layer, 0) for layer, done in self.layers.items())
        return self.all_shards == planned and all(shards == planned for shards in having)

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "complete": self.complete}


def count_rows(dataset: Dataset, shards: Iterable[int]) -> Counter[tuple[str, str | None]]:
    """Source rows by final (status, reason)."""

    def one(shard: int) -> Counter[tuple[str, str | None]]:
        table = dataset.ledger(shard, ["status", "reason"])
        groups = table.group_by(["status", "reason"], use_threads=False).aggregate([([], "count_all")])
        return Counter({(row["status"], row["reason"]): row["count_all"] for row in groups.to_pylist()})

    counts: Counter[tuple[str, str | None]] = Counter()
    for found in over_shards(one, shards):
        counts.update(found)
    return counts


def status(dataset: Dataset) -> Status:
    """Read every committed ledger and a few shards of each layer, and list the rest."""
    shards = dataset.shards()
    counts = count_rows(dataset, shards)

    def reasons(wanted: str) -> dict[str, int]:
        found = {str(reason): rows for (state, reason), rows in counts.items() if state == wanted}
        return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))

    committed = set(shards)
    planned = dataset.planned_shards
    primary = bisect_left(shards, planned)
    wanted = {*dataset.recipe.layers}
    names = sorted(wanted.union(dataset.layers()))
    having = {layer: dataset.layer_shards(layer) & committed for layer in names}
    layers = {layer: len(there) for layer, there in having.items()}
    merges = read_merges(dataset.store)
    merged = frozenset(number for one in merges for number in one.numbers if number in committed)
    views = {name: _unreadable(dataset, name, shards) for name in dataset.views()}
    lacking = [layer for layer, done in layers.items() if done < len(shards)]
    commands = {layer: asking.rendered_by(dataset.store.url, layer, dataset.source) for layer in lacking}
    rendered = {layer: command for layer, command in commands.items() if command}
    return Status(
        url=dataset.store.url,
        shards=primary,
        planned_shards=planned,
        rows=sum(counts.values()),
        planned_rows=int(dataset.source["rows"]) + sum(one.rows for one in merges),
        kept=sum(rows for (state, _), rows in counts.items() if state == KEPT),
        rejected=reasons(REJECTED),
        failed=reasons(FAILED),
        layers=layers,
        bytes=sum(size for _, size in dataset.store.walk()),
        supplementary_shards=len(shards) - primary - len(merged),
        merged_shards=len(merged),
        planned_merged_shards=sum(len(one.shards) for one in merges),
        merge_gaps=_merge_gaps(having, committed, merged, merges),
        failed_rows=_failed_rows(dataset, having),
        planned_supplementary_shards=sum(len(one.shards) for one in dataset.passes()),
        views={name: unreadable for name, (unreadable, _) in views.items()},
        view_problems={name: problem for name, (_, problem) in views.items() if problem},
        block_lists=_block_lists(dataset),
        completed_by={layer: dataset.asked_for(layer) for layer in lacking if layer not in rendered},
        rendered_by=rendered,
    )


def _failed_rows(dataset: Dataset, having: Mapping[str, Set[int]]) -> dict[str, FailedRows]:
    """Arguments as of ``_merge_gaps``. What cannot be read is left to ``verify``."""
    wanted: dict[int, list[str]] = {}
    for layer, there in having.items():
        for shard in _spread(sorted(there)):
            wanted.setdefault(shard, []).append(layer)

    def one(shard: int) -> list[tuple[str, int, int]]:
        try:
            images = dataset.images(shard, ["uid"])
        except DatasetError:
            return []
        return [(layer, *found) for layer in wanted[shard] if (found := _failed(dataset, layer, shard, images))]

    counted: dict[str, list[tuple[int, int]]] = {}
    for found in over_shards(one, sorted(wanted)):
        for layer, failed, rows in found:
            counted.setdefault(layer, []).append((failed, rows))
    sums = {
        layer: (*(sum(values) for values in zip(*items, strict=True)), len(items)) for layer, items in counted.items()
    }
    return {layer: FailedRows(*numbers) for layer, numbers in sorted(sums.items()) if numbers[0]}


def _failed(dataset: Dataset, layer: str, shard: int, images: pa.Table) -> tuple[int, int] | None:
    """Failed rows of a layer's shard, and all; None if it cannot be read."""
    try:
        table = dataset.layer(layer, shard, images, ["status"])
    except DatasetError:
        return None
    return pc.sum(pc.equal(table.column("status"), ROW_FAILED)).as_py() or 0, table.num_rows


def _spread(shards: Sequence[int]) -> list[int]:
    """All, or ``LOOKED_INTO`` of them, evenly spread."""
    number = min(len(shards), LOOKED_INTO)
    return [shards[(2 * place + 1) * len(shards) // (2 * number)] for place in range(number)]


def _merge_gaps(
    having: dict[str, frozenset[int]], committed: set[int], merged: frozenset[int], merges: list[Merge]
) -> dict[str, int]:
    """By layer, how many shards lack it because of a merge, and no other ones do.

    Args:
        having: by layer, the committed shards that have it.
    """
    brought = {layer for one in merges for layer in one.layers.values()}
    gaps: dict[str, int] = {}
    for layer, there in having.items():
        lacking = committed - there
        if lacking and (lacking <= merged or (layer in brought and there <= merged)):
            gaps[layer] = len(lacking)
    return gaps


def _unreadable(dataset: Dataset, view: str, shards: list[int]) -> tuple[int, str]:
    """How many of ``shards`` a view cannot be read with; and why, if it cannot be read at all."""
    try:
        return len(dataset.select(view).unreadable(shards)), ""
    except DatasetError as error:
        return len(shards), str(error)


def _block_lists(dataset: Dataset) -> list[dict[str, Any]] | None:
    try:
        past = history(dataset.store)
    except DatasetError:
        return None
    return past[-1]["lists"] if past else []

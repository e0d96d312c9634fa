"""Choose the rows that a retry is to try again, and write the plan before anything is tried."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import pyarrow as pa
import pyarrow.compute as pc

from humanverse.dataset import layout, retries
from humanverse.dataset.merges import Merged, read_merges
from humanverse.dataset.numbering import next_shard
from humanverse.dataset.parquet import parquet_bytes
from humanverse.dataset.reader import Dataset
from humanverse.dataset.retries import Pass, PlannedShard
from humanverse.dataset.status import count_rows, over_shards
from schemas.recipe import FetchSettings


def plan(dataset: Dataset, reasons: Collection[str], fetch: FetchSettings) -> Pass | None:
    """Plan a retry of the rows whose final status has one of ``reasons``, and write it.

    Memory is bounded by a few shards. Killed before its end, it has planned nothing.

    Args:
        dataset: all earlier retries of which are finished.
        reasons: of ``schemas.ledger.RETRYABLE``.
        fetch: the settings to fetch with, which the plan remembers.

    Returns:
        The plan; None if there is nothing to try again, and then nothing is written.
    """
    store = dataset.store
    before = dataset.passes()
    number = next_shard(dataset)
    shards: list[PlannedShard] = []
    for rows in _in_shards(_ended_with(dataset, before, reasons), dataset.extent.shard_size):
        store.write(layout.retry_rows(number), parquet_bytes(rows))
        first, last = rows.column("row")[0].as_py(), rows.column("row")[-1].as_py()
        shards.append(PlannedShard(number=number, rows=rows.num_rows, first=first, last=last))
        number += 1
    if not shards:
        return None
    made = Pass(reasons=tuple(sorted(set(reasons))), fetch=fetch, shards=tuple(shards))
    store.write(layout.retry_pass(len(before)), (made.model_dump_json(indent=2) + "\n").encode())
    return made


def not_of_the_source(dataset: Dataset, reasons: Collection[str]) -> int:
    """How many rows ended with one of ``reasons`` and came by a merge: the source does not have them, no retry takes them."""
    merged = Merged(read_merges(dataset.store))
    counts = count_rows(dataset, [number for number in dataset.shards() if number in merged])
    return sum(rows for (_, reason), rows in counts.items() if reason in reasons)


def _ended_with(dataset: Dataset, before: list[Pass], reasons: Collection[str]) -> Iterator[pa.Table]:
    """Rows (``retries.ROWS``) that ended with one of ``reasons``: those of one shard of the source after the other."""
    wanted = pa.array(sorted(reasons), pa.string())

    def of_ledger(number: int) -> pa.Table:
        table = dataset.ledger(number, ["row", "reason"])
        rows = table.filter(pc.is_in(table.column("reason"), value_set=wanted)).column("row")
        return pa.table([rows, pa.array([number] * len(rows), pa.int64())], schema=retries.ROWS)

    committed = dataset.shards()
    primary = [number for number in committed if number < dataset.planned_shards]
    there = frozenset(committed[len(primary) :])
    supplementary = sorted(
        (shard for one in before for shard in one.shards if shard.number in there),
        key=lambda shard: (shard.first, shard.number),
        reverse=True,
    )
    near: list[tuple[PlannedShard, pa.Table]] = []
    for number, own in zip(primary, over_shards(of_ledger, primary), strict=True):
        source = dataset.extent.rows_of(number)
        while supplementary and supplementary[-1].first < source.stop:
            shard = supplementary.pop()
            near.append((shard, of_ledger(shard.number)))
        near = [(shard, table) for shard, table in near if shard.last >= source.start]
        inside = [_between(table, source) for _, table in near]
        yield pa.concat_tables([own, *inside]).sort_by("row")


def _between(table: pa.Table, source: range) -> pa.Table:
    rows = table.column("row")
    return table.filter(pc.and_(pc.greater_equal(rows, source.start), pc.less(rows, source.stop)))


def _in_shards(tables: Iterator[pa.Table], size: int) -> Iterator[pa.Table]:
    """``tables`` one after the other, cut anew into tables of ``size`` rows; the last may be shorter."""
    rest = retries.ROWS.empty_table()
    for table in tables:
        rest = pa.concat_tables([rest, table]).combine_chunks()
        while rest.num_rows >= size:
            yield rest.slice(0, size)
            rest = rest.slice(size)
    if rest.num_rows:
        yield rest

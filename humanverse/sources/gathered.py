"""Supplementary shards: rows of several shards, gathered to be tried again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import pyarrow as pa
import pyarrow.compute as pc

from humanverse.errors import UserError
from humanverse.sources.base import MAX_LOCAL_BYTES, Payload, ShardRows, Source
from humanverse.sources.storage import in_order

THREADS = 4
"""Shards of a source that are read at once to gather rows from them."""


@dataclass(frozen=True)
class GatheredRows(ShardRows):
    """Rows that lie anywhere between ``start`` and ``stop``, under a shard number of their own.

    Attributes:
        parts: some rows of one shard each (``ShardRows.only``), in the order of the source.
    """

    parts: tuple[ShardRows, ...]

    def load(self) -> pa.Table:
        tables = in_order(lambda part: part.load(), self.parts, min(THREADS, len(self.parts)))
        return pa.concat_tables(tables).combine_chunks()

    def payloads(self, table: pa.Table, max_bytes: int = MAX_LOCAL_BYTES) -> Iterator[Payload]:
        for part in self.parts:
            inside = pc.and_(pc.greater_equal(table.column("row"), part.start), pc.less(table.column("row"), part.stop))
            yield from part.payloads(table.filter(inside), max_bytes)


@dataclass(frozen=True)
class _AllBut:
    """Every number that is not among ``numbers``."""

    numbers: frozenset[int]

    def __contains__(self, number: object) -> bool:
        return number not in self.numbers


def gather(
    source: Source, size: int, wanted: Callable[[], Iterable[tuple[int, Sequence[int]]]]
) -> Iterator[GatheredRows]:
    """Shards of chosen rows. Shards of the source that have none of them are skipped; one at a time is held.

    Args:
        source: where the rows are.
        size: its rows per shard.
        wanted: gives the number of each shard to make, and its rows (positions in the source): ascending within a shard
            and from shard to shard. Called twice.
    """
    concerned = frozenset(row // size for _, rows in wanted() for row in rows)
    shards = source.shards(size, _AllBut(concerned))
    whole: ShardRows | None = None
    for number, rows in wanted():
        parts = []
        for of, some in groupby(rows, lambda row: row // size):
            while whole is None or whole.number < of:
                whole = next(shards, None)
                if whole is None:
                    raise UserError(f"the source has no shard {of} any more: it changed since the dataset was built")
            parts.append(whole.only(list(some)))
        yield GatheredRows(number, rows[0], rows[-1] + 1, tuple(parts))

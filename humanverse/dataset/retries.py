"""Rows tried again: what each retry set out to do, and which ledger rows its shards supersede.

A retry is ``retries/<n>.json``, written once and before anything is tried, after ``retries/<shard>.parquet`` for each of its
supplementary shards. A row of a ledger is superseded when a committed supplementary shard lists it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Container, Iterator, Mapping
from itertools import pairwise

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, model_validator

from humanverse.dataset import cards, layout
from humanverse.dataset.cards import Strict
from humanverse.storage import Store
from schemas.ledger import RETRYABLE
from schemas.recipe import FetchSettings

ROWS = pa.schema([pa.field("row", pa.int64(), nullable=False), pa.field("shard", pa.int64(), nullable=False)])
"""Columns of ``retries/<shard>.parquet``: the source row, ascending, and the shard whose ledger row is superseded."""

TABLES_KEPT = 64
"""Tables of rows that are remembered, since neighbouring shards need the same ones."""


class PlannedShard(Strict):
    """One supplementary shard: its number, how many rows it has, and the first and the last of them in the source."""

    number: int = Field(ge=0)
    rows: int = Field(ge=1)
    first: int = Field(ge=0)
    last: int = Field(ge=0)


class Pass(Strict):
    """One retry, as it was planned.

    Attributes:
        reasons: that the rows had ended with.
        fetch: the settings that they are fetched with.
        shards: numbered without gaps, ascending by source row.
    """

    reasons: tuple[str, ...] = Field(min_length=1)
    fetch: FetchSettings
    shards: tuple[PlannedShard, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _in_order(self) -> Pass:
        strange = [reason for reason in self.reasons if reason not in RETRYABLE]
        if strange:
            raise ValueError(f"{strange[0]} is no reason to try again")
        for shard in self.shards:
            if shard.last - shard.first < shard.rows - 1:
                raise ValueError(f"shard {shard.number} has more rows than there are between its first and its last")
        for one, following in pairwise(self.shards):
            if following.number != one.number + 1 or following.first <= one.last:
                raise ValueError(f"shard {following.number} does not follow shard {one.number}")
        return self

    @property
    def numbers(self) -> range:
        return range(self.shards[0].number, self.shards[-1].number + 1)

    @property
    def rows(self) -> int:
        return sum(shard.rows for shard in self.shards)

    def unfinished(self, committed: Container[int]) -> list[PlannedShard]:
        return [shard for shard in self.shards if shard.number not in committed]


def pass_numbers(store: Store) -> list[int]:
    """Numbers of the retries that were planned, in order."""
    return cards.numbers(store, layout.RETRIES)


def read_pass(store: Store, number: int) -> Pass:
    """One retry.

    Raises:
        DatasetError: if its file is missing or damaged.
    """
    return cards.read_plan(store, layout.retry_pass(number), Pass)


def read_passes(store: Store) -> list[Pass]:
    """Every retry that was planned, in order.

    Raises:
        DatasetError: if one cannot be read.
    """
    return [read_pass(store, number) for number in pass_numbers(store)]


class Superseding:
    """Which rows of a shard's ledger are superseded by other shards. Pickles small; threads may share it.

    Args:
        passes: the retries to regard.
        counts: which of their shards count.
        read: gives the table (``ROWS``) of a supplementary shard.
    """

    def __init__(self, passes: list[Pass], counts: Container[int], read: Callable[[int], pa.Table]) -> None:
        self._passes = [[shard for shard in one.shards if shard.number in counts] for one in passes]
        self._passes = [shards for shards in self._passes if shards]
        self._lasts = [[shard.last for shard in shards] for shards in self._passes]
        self._firsts = [[shard.first for shard in shards] for shards in self._passes]
        self._read = read
        self._tables: dict[int, pa.Table] = {}

    def __bool__(self) -> bool:
        return bool(self._passes)

    def __getstate__(self) -> Mapping[str, object]:
        return {**self.__dict__, "_tables": {}}

    def span(self, number: int) -> tuple[int, int] | None:
        """First and last source row of a supplementary shard that counts; None if it is none."""
        for shards in self._passes:
            index = bisect_left(shards, number, key=lambda shard: shard.number)
            if index < len(shards) and shards[index].number == number:
                return shards[index].first, shards[index].last
        return None

    def _table(self, number: int) -> pa.Table:
        table = self._tables.get(number)
        if table is None:
            if len(self._tables) >= TABLES_KEPT:
                self._tables.clear()
            table = self._tables[number] = self._read(number)
        return table

    def by_shard(self, number: int, first: int, last: int) -> Iterator[tuple[int, pa.ChunkedArray]]:
        """The supplementary shards that supersede rows of a ledger, ascending, and those rows (source rows, ascending).

        Args:
            number: of the shard whose ledger it is.
            first: no source row of it lies before.
            last: nor after.
        """
        for shards, firsts, lasts in zip(self._passes, self._firsts, self._lasts, strict=True):
            for shard in shards[bisect_left(lasts, first) : bisect_right(firsts, last)]:
                if shard.number <= number:
                    continue
                table = self._table(shard.number)
                rows = table.filter(pc.equal(table.column("shard"), number)).column("row")
                if len(rows):
                    yield shard.number, rows

    def rows(self, number: int, first: int, last: int) -> pa.ChunkedArray:
        """All rows that ``by_shard`` gives."""
        return pa.chunked_array(
            [chunk for _, rows in self.by_shard(number, first, last) for chunk in rows.chunks], pa.int64()
        )

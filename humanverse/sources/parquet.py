"""Parquet tables of URLs: shards are locators, and the worker reads only the rows and columns that it needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

import pyarrow as pa
import pyarrow.parquet as pq

from humanverse.errors import UserError, one_line
from humanverse.sources.base import ShardRows
from humanverse.sources.columns import Layout, layout, unify
from humanverse.sources.pieces import CountedSource, Piece
from humanverse.sources.storage import SourceFile, in_order, threads_for
from humanverse.sources.values import conform

_LOCAL_BUFFER = 1 << 20
_REMOTE_BUFFER = 4 << 20
_BATCH_ROWS = 16_384
_DAMAGE = (pa.ArrowException, OSError, ValueError, LookupError)
"""What pyarrow raises for damaged files; names that are not UTF-8 and row groups that are not there among them."""


@contextmanager
def open_parquet(file: SourceFile) -> Iterator[pq.ParquetFile]:
    """The Parquet file, read page by page in bounded memory.

    Raises:
        UserError: if it is not there, not Parquet, or damaged; also when that shows while it is being read.
    """
    with file.open(cache_type="none") as stream:
        try:
            buffer = _LOCAL_BUFFER if file.local else _REMOTE_BUFFER
            yield pq.ParquetFile(stream, buffer_size=buffer, pre_buffer=False)
        except _DAMAGE as error:
            raise UserError(f"source {file.url}: not a readable Parquet file ({one_line(error, 200)})") from error


@dataclass(frozen=True)
class Footer:
    """What a Parquet file says of itself."""

    rows: int
    columns: pa.Schema


def read_footer(file: SourceFile) -> Footer:
    with open_parquet(file) as parquet:
        columns = parquet.schema_arrow
        return Footer(parquet.metadata.num_rows, pa.schema([columns.field(at) for at in range(len(columns.names))]))


def read_footers(files: Sequence[SourceFile]) -> list[Footer]:
    return list(in_order(read_footer, files, threads_for(files)))


def _touched(parquet: pq.ParquetFile, piece: Piece) -> tuple[list[int], int]:
    """The row groups that hold rows of ``piece``, and the row of the file at which the first of them begins."""
    sizes = [parquet.metadata.row_group(index).num_rows for index in range(parquet.num_row_groups)]
    starts = list(accumulate(sizes, initial=0))
    stop = piece.first + piece.count
    touched = [index for index in range(len(sizes)) if starts[index] < stop and starts[index + 1] > piece.first]
    return touched, starts[touched[0]]


def read_piece(piece: Piece, columns: list[str]) -> pa.Table:
    """The rows of ``piece``. Rows before it in its first row group are decoded and dropped, a batch at a time."""
    with open_parquet(piece.file) as parquet:
        groups, position = _touched(parquet, piece)
        parts: list[pa.RecordBatch] = []
        stop = piece.first + piece.count
        for batch in parquet.iter_batches(_BATCH_ROWS, row_groups=groups, columns=columns):
            first = max(piece.first - position, 0)
            if first < len(batch):
                parts.append(batch.slice(first, stop - position - first))
            position += len(batch)
            if position >= stop:
                break
        table = pa.Table.from_batches(parts)
    if len(table) != piece.count:
        raise UserError(f"source {piece.file.url}: it has fewer rows than its footer says, or changed meanwhile")
    return table


@dataclass(frozen=True)
class ParquetShard(ShardRows):
    """A shard as pieces of Parquet files."""

    pieces: tuple[Piece, ...]
    layout: Layout

    def load(self) -> pa.Table:
        parts, start = [], self.start
        for piece in self.pieces:
            parts.append(conform(read_piece(piece, self.layout.wanted), self.layout, start))
            start += piece.count
        return pa.concat_tables(parts).combine_chunks()


class ParquetCounted(CountedSource):
    """Base of the sources whose rows are those of Parquet files: the footers say how many, and of what type."""

    def __init__(self, files: Sequence[SourceFile], mapping: Mapping[str, str]) -> None:
        super().__init__(files)
        columns = unify([(file.url, footer.columns) for file, footer in zip(files, self._footers, strict=True)])
        self.layout = self.layout_of(columns, mapping)
        self.extra_fields = self.layout.fields

    def layout_of(self, columns: pa.Schema, mapping: Mapping[str, str]) -> Layout:
        return layout(columns, mapping, self.files[0].url)

    @cached_property
    def _footers(self) -> list[Footer]:
        return read_footers(self.files)

    def count_rows(self) -> list[int]:
        return [footer.rows for footer in self._footers]


class ParquetSource(ParquetCounted):
    """URL tables in Parquet: LAION, COYO, DataComp, PD12M, and any other with a URL column."""

    kind = "table"
    remote = True

    def shard_of(self, number: int, start: int, stop: int, pieces: tuple[Piece, ...]) -> ShardRows:
        return ParquetShard(number, start, stop, pieces, self.layout)

"""Tables as Parquet files: how they are written, and read back with their checksums."""

from __future__ import annotations

import io
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from humanverse.errors import one_line


class MissingColumn(ValueError):
    """A table lacks a column.

    Attributes:
        name: of the column.
        there: the columns that it has.
    """

    def __init__(self, name: str, there: Sequence[str]) -> None:
        super().__init__(f"it has no column {name}")
        self.name, self.there = name, tuple(there)


def parquet_bytes(table: pa.Table) -> bytes:
    """``table`` as a Parquet file with checksums; the same table always gives the same bytes."""
    sink = io.BytesIO()
    pq.write_table(table.combine_chunks(), sink, compression="zstd", row_group_size=10_000, write_page_checksum=True)
    return sink.getvalue()


def parquet_table(data: bytes, columns: Sequence[str] | None = None) -> pa.Table:
    """The table in the Parquet file ``data``, or its ``columns`` alone.

    Raises:
        MissingColumn: if it lacks a column.
        ValueError: if it is damaged.
    """
    try:
        with pq.ParquetFile(pa.BufferReader(data), page_checksum_verification=True) as file:
            missing = [name for name in columns or () if name not in file.schema_arrow.names]
            if missing:
                raise MissingColumn(missing[0], file.schema_arrow.names)
            return file.read(columns=columns and list(columns), use_threads=False)
    except (pa.ArrowException, OSError, MemoryError) as error:
        raise ValueError(one_line(error)) from error

"""What a source is: the user's list, cut into shards of consecutive rows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import pyarrow as pa

from schemas.ledger import Failure

ROW = pa.field("row", pa.int64(), nullable=False)
URL = pa.field("url", pa.string())
CAPTION = pa.field("caption", pa.string())

MAX_LOCAL_BYTES = 50_000_000
"""Default cap on one picture that is read rather than fetched, as ``FetchSettings.max_bytes`` caps a download."""


def table_schema(extra_fields: list[pa.Field]) -> pa.Schema:
    """The schema of every ``ShardRows.load`` of a source that brings ``extra_fields``."""
    return pa.schema([ROW, URL, CAPTION, *extra_fields])


@dataclass(frozen=True)
class Payload:
    """The bytes of one picture that is already there, or why there are none.

    Attributes:
        row: position in the source.
        data: the picture's file; None exactly when ``failure`` is set.
        failure: why there is none.
        http_status: the status of the earlier download, where the source tells it.
        as_downloaded: whether ``data`` are certainly the bytes that were downloaded, so that a hash of those must fit.
    """

    row: int
    data: bytes | None = None
    failure: Failure | None = None
    http_status: int | None = None
    as_downloaded: bool = False


@dataclass(frozen=True)
class ShardRows(ABC):
    """The rows ``start`` to ``stop`` (exclusive) of a source. Pickles small, and loads wherever the files can be read.

    What ``only`` gives, and a supplementary shard, is some of the rows of that stretch.

    Attributes:
        number: of the shard; ``start`` is ``number`` times the shard size.
        start: position of the first row in the source, from 0.
        stop: position after the last row.
    """

    number: int
    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start

    @abstractmethod
    def load(self) -> pa.Table:
        """One row each: ``row`` (ascending), ``url``, ``caption``, then the source's ``extra_fields``.

        ``url`` is what stands in the ledger: the URL, the path of a local picture, or ``path.tar#member``. It is null
        where the cell holds no text, or where the row could not be read.

        Raises:
            UserError: if a file of the source cannot be read.
        """

    def payloads(self, table: pa.Table, max_bytes: int = MAX_LOCAL_BYTES) -> Iterator[Payload]:
        """The pictures of the rows of ``table`` (from ``load``, or some of its rows in their order).

        A picture that is missing, empty or larger than ``max_bytes`` is a ``Payload`` with a failure.

        Raises:
            TypeError: if the source is remote, so that its pictures must be fetched.
            UserError: if a file that holds many pictures cannot be read.
        """
        raise TypeError("the pictures of a URL table are fetched, not read")

    def only(self, rows: Sequence[int]) -> ShardRows:
        """Some rows of this shard, in a form that still pickles small.

        Args:
            rows: positions in the source, ascending, at least one, all of this shard.
        """
        return SomeRows(self.number, rows[0], rows[-1] + 1, self, tuple(rows))


@dataclass(frozen=True)
class SomeRows(ShardRows):
    """Some rows of a shard that is a locator. What the shard remembers of its files is not kept beyond each call.

    Attributes:
        whole: the shard.
        rows: positions in the source, ascending.
    """

    whole: ShardRows
    rows: tuple[int, ...]

    def load(self) -> pa.Table:
        table = replace(self.whole).load()
        return table.take(pa.array([row - self.whole.start for row in self.rows], pa.int64()))

    def payloads(self, table: pa.Table, max_bytes: int = MAX_LOCAL_BYTES) -> Iterator[Payload]:
        return replace(self.whole).payloads(table, max_bytes)


class Source(Protocol):
    """The user's list.

    Attributes:
        kind: ``table``, ``folder``, ``webdataset`` or ``img2dataset``.
        remote: True if the pictures must be fetched from ``url``; False if ``ShardRows.payloads`` reads them.
        extra_fields: the columns that pass through, nullable, none of a name in ``schemas.images.RESERVED``.
    """

    kind: str
    remote: bool
    extra_fields: list[pa.Field]

    def identity(self) -> dict[str, Any]:
        """Which rows these are, as JSON values: kind, files with sizes, number of rows. No times, no credentials."""

    def count(self) -> int:
        """The number of rows. May read the source once; the answer is kept."""

    def shards(self, size: int, skip: Container[int] = ()) -> Iterator[ShardRows]:
        """The source in runs of ``size`` rows (the last may be shorter), in order, without the numbers in ``skip``."""

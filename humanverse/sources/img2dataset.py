"""Folders that img2dataset wrote: every row of its tables is a row here, also those that it could not download."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import pyarrow as pa

from humanverse.errors import UserError
from humanverse.sources.base import MAX_LOCAL_BYTES, Payload, ShardRows
from humanverse.sources.columns import Layout, layout
from humanverse.sources.parquet import ParquetCounted, ParquetShard, read_footer, read_piece
from humanverse.sources.pictures import checked_payload, is_image_name, missing, read_payload
from humanverse.sources.pieces import Piece
from humanverse.sources.storage import SourceFile, list_folder, storage_errors
from humanverse.sources.tars import member_payload, tar_samples
from humanverse.sources.values import to_text
from schemas.ledger import Failure

SUCCESS = "success"
BOOKKEEPING = ("status", "error_message")
SAID_COLUMNS = ("key", *BOOKKEEPING)
WIDTH = "width"
IMAGE_COLUMNS = ("jpg", "png", "webp")
_ROWS_AT_ONCE = 64

_HTTP_STATUS = re.compile(r"HTTP Error (\d{3})")
_REASONS = [
    (re.compile(pattern, re.IGNORECASE), reason)
    for pattern, reason in (
        (r"X-Robots-Tag", "opt_out"),
        (r"redirect", "redirects"),
        (r"HTTP Error 429", "http_429"),
        (r"HTTP Error 4\d\d", "http_4xx"),
        (r"HTTP Error 5\d\d", "http_5xx"),
        (r"HTTP Error \d", "http_other"),
        (r"timed? ?out", "timeout"),
        (r"SSL|certificate|TLS|tlsv1", "tls"),
        (r"not known|name resolution|getaddrinfo|No address associated|nodename nor", "dns"),
        (r"refused|reset by peer|unreachable|No route|Remote end closed|Errno 1[01]\d|broken pipe", "connect"),
        (r"IncompleteRead", "truncated"),
        (r"urlopen error unknown url type: (?!https?\b)", "forbidden_scheme"),
        (r"unknown url type|no host given|nonnumeric port|control characters|Invalid URL|Invalid IPv6", "invalid_url"),
        (r"image too small", "too_small"),
        (r"decoding error|decode", "corrupt"),
    )
]
"""First match wins. The messages are those of Python's urllib, ssl and socket, and img2dataset's own."""


def failure_of(status: str | None, message: str | None) -> Failure:
    """The ledger's word for what img2dataset says of a row that it has no picture for.

    A message that is not recognised is ``protocol`` for a failed download and ``source_missing`` for anything else.
    """
    text = " ".join((message or "").split())[:300]
    default = "protocol" if status == "failed_to_download" else "source_missing"
    reason = next((reason for pattern, reason in _REASONS if pattern.search(text)), default)
    return Failure(reason, text or f"img2dataset: {status}")


def http_status_of(message: str | None) -> int | None:
    match = _HTTP_STATUS.search(message or "")
    return int(match[1]) if match else None


@dataclass(frozen=True)
class Said:
    """What img2dataset's table says of one row.

    Attributes:
        row: position in the source.
        index: position in the table's file.
        key: img2dataset's name of the sample, or None.
        status: ``success``, ``failed_to_download`` or ``failed_to_resize``.
        message: its error message, or None.
        untouched: whether it stored the bytes as they came (``disable_all_reencoding``): then, and only then, it did not
            measure the picture. With ``skip_reencode`` it stores some as they came, and does not say which.
    """

    row: int
    index: int
    key: str | None
    status: str | None
    message: str | None
    untouched: bool = False

    @property
    def failed(self) -> Payload:
        return Payload(
            self.row, failure=failure_of(self.status, self.message), http_status=http_status_of(self.message)
        )


class Pictures(ABC):
    """Where the pictures beside a table are: one subclass for each of img2dataset's output formats."""

    @abstractmethod
    def read(self, table: SourceFile, rows: Sequence[Said], max_bytes: int) -> Iterator[Payload]:
        """The pictures of ``rows``, all of which img2dataset counts as successes, in order."""


class TarPictures(Pictures):
    """``webdataset``: ``NNNNN.tar`` beside ``NNNNN.parquet``."""

    def read(self, table: SourceFile, rows: Sequence[Said], max_bytes: int) -> Iterator[Payload]:
        tar = table.sibling(".tar")
        try:
            with tar.open() as stream:
                samples = [sample for sample in tar_samples(stream, tar) if sample.image]
        except UserError as error:
            yield from (Payload(said.row, failure=missing(str(error))) for said in rows)
            return
        images = {sample.key.rpartition("/")[2]: sample.image for sample in samples}
        with tar.open() as stream:
            for said in rows:
                yield member_payload(stream, said.row, images.get(said.key or ""), max_bytes)


class FilePictures(Pictures):
    """``files``: a folder ``NNNNN`` beside ``NNNNN.parquet``."""

    def read(self, table: SourceFile, rows: Sequence[Said], max_bytes: int) -> Iterator[Payload]:
        files = list_folder(table.fs, table.stem).files
        images = {file.stem.rpartition("/")[2]: file for file in files if is_image_name(file.name)}
        for said in rows:
            image = images.get(said.key or "")
            if image is None:
                yield Payload(said.row, failure=missing(f"no picture {said.key} in {table.stem}"))
            else:
                yield read_payload(said.row, image, max_bytes)


@dataclass(frozen=True)
class ColumnPictures(Pictures):
    """``parquet``: the pictures are in a column of the table itself."""

    column: str

    def read(self, table: SourceFile, rows: Sequence[Said], max_bytes: int) -> Iterator[Payload]:
        for _, near in groupby(rows, lambda said: said.index // _ROWS_AT_ONCE):
            block = list(near)
            first = block[0].index
            data = read_piece(Piece(table, first, block[-1].index + 1 - first), [self.column])[self.column]
            for said in block:
                yield checked_payload(said.row, data[said.index - first].as_py() or b"", max_bytes)


def pictures_beside(table: SourceFile) -> Pictures | None:
    """How to read the pictures that belong to img2dataset's ``table``; None if it is not one that has pictures."""
    columns = read_footer(table).columns
    if not {*SAID_COLUMNS} <= {*columns.names}:
        return None
    with storage_errors(table.url):
        if table.fs.exists(table.stem + ".tar"):
            return TarPictures()
        if table.fs.isdir(table.stem):
            return FilePictures()
    column = next((name for name in IMAGE_COLUMNS if name in columns.names), None)
    return ColumnPictures(column) if column else None


def payloads_of(said: Sequence[Said], table: SourceFile, pictures: Pictures, max_bytes: int) -> Iterator[Payload]:
    """The pictures of the rows ``said`` of one of img2dataset's tables, or why there are none, in order."""
    there = pictures.read(table, [one for one in said if one.status == SUCCESS], max_bytes)
    for one in said:
        yield replace(next(there), as_downloaded=one.untouched) if one.status == SUCCESS else one.failed


@dataclass(frozen=True)
class Img2datasetShard(ParquetShard):
    """A shard as pieces of img2dataset's tables, and where their pictures are."""

    pictures: Pictures

    def _said(self, piece: Piece, rows: Sequence[int], start: int) -> list[Said]:
        """What ``piece``, whose first row is row ``start`` of the source, says of ``rows``."""
        names = [*SAID_COLUMNS, *(name for name in self.layout.wanted if name == WIDTH)]
        table = read_piece(piece, names)
        keys, statuses, messages = (table[name].to_pylist() for name in SAID_COLUMNS)
        widths = table[WIDTH].to_pylist() if WIDTH in names else [0] * len(keys)
        return [
            Said(
                row,
                piece.first + at,
                to_text(keys[at]),
                to_text(statuses[at]),
                to_text(messages[at]),
                untouched=widths[at] is None,
            )
            for row in rows
            for at in (row - start,)
        ]

    def payloads(self, table: pa.Table, max_bytes: int = MAX_LOCAL_BYTES) -> Iterator[Payload]:
        rows = table["row"].to_pylist()
        start = self.start
        for piece in self.pieces:
            inside = [row for row in rows if start <= row < start + piece.count]
            said = self._said(piece, inside, start)
            yield from payloads_of(said, piece.file, self.pictures, max_bytes)
            start += piece.count


class Img2datasetSource(ParquetCounted):
    """img2dataset's output in the formats ``webdataset``, ``files`` and ``parquet``.

    Its ``exif`` column does not pass through: it holds locations and serial numbers.
    """

    kind = "img2dataset"
    remote = False

    def __init__(self, files: Sequence[SourceFile], mapping: Mapping[str, str], pictures: Pictures) -> None:
        super().__init__(files, mapping)
        self.pictures = pictures

    def layout_of(self, columns: pa.Schema, mapping: Mapping[str, str]) -> Layout:
        return layout(columns, mapping, self.files[0].url, left_out=BOOKKEEPING)

    def shard_of(self, number: int, start: int, stop: int, pieces: tuple[Piece, ...]) -> ShardRows:
        return Img2datasetShard(number, start, stop, pieces, self.layout, self.pictures)

"""Pictures as files: which names are pictures, how one is read, and folders of them with captions beside."""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from typing import Any

import pyarrow as pa

from humanverse.errors import UserError
from humanverse.sources.base import MAX_LOCAL_BYTES, Payload, ShardRows, table_schema
from humanverse.sources.storage import Listed, Place, SourceFile, in_order, threads_for
from humanverse.sources.values import MAX_CAPTION, to_caption, to_text
from schemas.ledger import Failure

IMAGE_SUFFIXES = (
    ".jpg",
    ".jpeg",
    ".png",
    ".webp",
    ".gif",
    ".bmp",
    ".tif",
    ".tiff",
    ".avif",
    ".jp2",
)
_UTF8_BYTES = 4


def is_image_name(name: str) -> bool:
    return name.lower().endswith(IMAGE_SUFFIXES)


def checked_payload(row: int, data: bytes, max_bytes: int) -> Payload:
    """``data`` as a payload; none if it is empty or longer than ``max_bytes``."""
    if not data:
        return Payload(row, failure=Failure("empty"))
    if len(data) > max_bytes:
        return Payload(row, failure=too_large(max_bytes))
    return Payload(row, data)


def too_large(max_bytes: int) -> Failure:
    return Failure("too_large", f"more than {max_bytes} bytes")


def missing(detail: str) -> Failure:
    return Failure("source_missing", detail)


def read_payload(row: int, file: SourceFile, max_bytes: int) -> Payload:
    """The picture in ``file``; a file that cannot be read is ``source_missing``."""
    try:
        with file.open() as stream:
            return checked_payload(row, stream.read(max_bytes + 1), max_bytes)
    except UserError as error:
        return Payload(row, failure=missing(str(error)))


def read_caption(file: SourceFile) -> str | None:
    """The text file beside a picture, without surrounding white space; None if it is empty or cannot be read."""
    try:
        with file.open() as stream:
            text = stream.read(MAX_CAPTION * _UTF8_BYTES).decode("utf-8", errors="replace")
    except UserError:
        return None
    return to_caption(text.removeprefix("\ufeff").strip() or None)


@dataclass(frozen=True)
class Picture:
    """A picture's file, and the text file beside it."""

    file: SourceFile
    caption: SourceFile | None


def pictures_in(listed: Listed) -> Iterator[Picture]:
    """The pictures of one folder, in order; hidden files were left out before."""
    texts = {file.stem: file for file in listed.files if file.name.lower().endswith(".txt")}
    return (Picture(file, texts.get(file.stem)) for file in listed.files if is_image_name(file.name))


@dataclass(frozen=True)
class FolderShard(ShardRows):
    """A shard that carries the paths of its pictures.

    Attributes:
        rows: position of each picture in the source, ascending.
    """

    pictures: tuple[Picture, ...]
    rows: Sequence[int]

    def load(self) -> pa.Table:
        threads = threads_for(picture.file for picture in self.pictures)
        captions = in_order(
            lambda picture: read_caption(picture.caption) if picture.caption else None, self.pictures, threads
        )
        return pa.table(
            [
                pa.array(self.rows, pa.int64()),
                pa.array([to_text(picture.file.url) for picture in self.pictures], pa.string()),
                pa.array(list(captions), pa.string()),
            ],
            schema=table_schema([]),
        )

    def payloads(self, table: pa.Table, max_bytes: int = MAX_LOCAL_BYTES) -> Iterator[Payload]:
        pictures = dict(zip(self.rows, self.pictures, strict=True))

        def read(row: int) -> Payload:
            return read_payload(row, pictures[row].file, max_bytes)

        threads = threads_for(picture.file for picture in self.pictures)
        return in_order(read, table["row"].to_pylist(), threads)

    def only(self, rows: Sequence[int]) -> ShardRows:
        chosen = tuple(self.pictures[bisect_left(self.rows, row)] for row in rows)
        return replace(self, start=rows[0], stop=rows[-1] + 1, pictures=chosen, rows=tuple(rows))


class FolderSource:
    """Pictures in folders and below, and single pictures. Folders are listed anew at each pass, one at a time."""

    kind = "folder"
    remote = False

    def __init__(self, places: Sequence[Place]) -> None:
        self._places = list(places)
        self.extra_fields: list[pa.Field] = []

    def _pictures(self) -> Iterator[Picture]:
        for place in self._places:
            for listed in place.listings():
                yield from pictures_in(_with_captions(place, listed))

    @cached_property
    def _facts(self) -> dict[str, Any]:
        """Number and bytes of the pictures, and a digest over their names (below the place given) and sizes."""
        digest = hashlib.sha256()
        rows = size = 0
        for place in self._places:
            for listed in place.listings():
                for picture in pictures_in(listed):
                    name = picture.file.path.removeprefix(place.path) or picture.file.name
                    digest.update(f"{name.lstrip('/')}\0{picture.file.size}\n".encode(errors="surrogateescape"))
                    rows += 1
                    size += picture.file.size or 0
        return {"rows": rows, "bytes": size, "names_and_sizes_sha256": digest.hexdigest()}

    def count(self) -> int:
        return int(self._facts["rows"])

    def identity(self) -> dict[str, Any]:
        """As ``Source.identity``, with a digest in place of the list of files, which may be very long."""
        return {"kind": self.kind, **self._facts}

    def shards(self, size: int, skip: Container[int] = ()) -> Iterator[ShardRows]:
        pictures = self._pictures()
        number = 0
        while chunk := tuple(islice(pictures, size)):
            if number not in skip:
                start = number * size
                stop = start + len(chunk)
                yield FolderShard(number, start, stop, chunk, range(start, stop))
            number += 1


def _with_captions(place: Place, listed: Listed) -> Listed:
    """``listed``; for a picture that was named by itself, with the text file beside it, if there is one."""
    if place.file is None:
        return listed
    text = place.file.sibling(".txt")
    return Listed([place.file, text], []) if text.fs.exists(text.path) else listed

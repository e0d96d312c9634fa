"""Tar files of samples as WebDataset writes them: indexed by their headers, read by ranges, never extracted."""

from __future__ import annotations

import json
import logging
import re
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from os import SEEK_END
from typing import IO, Any

import pyarrow as pa

from humanverse.errors import UserError, one_line
from humanverse.sources.base import MAX_LOCAL_BYTES, Payload, ShardRows, table_schema
from humanverse.sources.columns import CAPTION_NAMES, KNOWN, pass_through
from humanverse.sources.pictures import checked_payload, is_image_name, missing, too_large
from humanverse.sources.pieces import CountedSource, Piece
from humanverse.sources.storage import SourceFile, in_order, threads_for
from humanverse.sources.values import column_of, rows_from, to_caption, to_text
from schemas.ledger import Failure

_log = logging.getLogger(__name__)

MAX_SIDECAR = 4 << 20
"""Bytes of a ``.txt`` or ``.json`` member that are read."""
PROBED_SAMPLES = 100

_KEY_AND_SUFFIX = re.compile(r"^((?:.*/|)[^.]+)[.]([^/]*)$")


@dataclass(frozen=True)
class Member:
    """Where one file lies in a tar.

    Attributes:
        name: as in the tar; used as a label only, never as a path.
        offset: of its data, bytes.
        size: bytes.
    """

    name: str
    offset: int
    size: int


@dataclass
class TarSample:
    """Consecutive members of one key (the name up to the first dot of its last part)."""

    key: str
    image: Member | None = None
    texts: dict[str, Member] = field(default_factory=dict)

    def add(self, suffix: str, member: Member) -> None:
        if is_image_name("." + suffix):
            self.image = self.image or member
        elif suffix in ("txt", "json"):
            self.texts.setdefault(suffix, member)

    @property
    def is_row(self) -> bool:
        return self.image is not None or bool(self.texts)


def _entries(stream: IO[bytes], file: SourceFile) -> Iterator[tarfile.TarInfo]:
    """All members, without keeping them. A tar that ends within a member ends there, with a warning.

    Raises:
        UserError: if something other than a header or the end stands where a header belongs.
    """
    end = 0
    try:
        with tarfile.open(fileobj=stream, mode="r:") as tar:
            while (info := tar.next()) is not None and info.size >= 0:
                yield info
                tar.members.clear()  # type: ignore[attr-defined]
                end = tar.offset
    except tarfile.TarError as error:
        if end == 0:
            raise _damaged(file, one_line(error)) from error
    if stream.seek(0, SEEK_END) < end:
        _log.warning("source %s: the tar ends early, within its last member", file.url)
        return
    stream.seek(end)
    if any(stream.read(tarfile.BLOCKSIZE)):
        raise _damaged(file, f"at byte {end}")


def _damaged(file: SourceFile, how: str) -> UserError:
    return UserError(f"source {file.url}: the tar is damaged ({how}): repair it or leave it out")


def tar_samples(stream: IO[bytes], file: SourceFile) -> Iterator[TarSample]:
    """The samples of a tar, from its headers. Hidden members and samples of unknown members only are left out.

    Raises:
        UserError: if the tar is damaged.
    """
    current = TarSample("")
    for info in _entries(stream, file):
        match = _KEY_AND_SUFFIX.match(info.name)
        if not info.isfile() or match is None:
            continue
        key, suffix = match[1], match[2].lower()
        if key != current.key:
            if current.is_row:
                yield current
            current = TarSample(key)
        current.add(suffix, Member(info.name, info.offset_data, info.size))
    if current.is_row:
        yield current


def read_member(stream: IO[bytes], member: Member, limit: int) -> bytes:
    """The first ``limit`` bytes of a member, fewer if it is shorter."""
    stream.seek(member.offset)
    return stream.read(min(member.size, limit))


def member_payload(stream: IO[bytes], row: int, member: Member | None, max_bytes: int) -> Payload:
    """The picture in a member, or why there is none."""
    if member is None:
        return Payload(row, failure=missing("the tar has no image member for it"))
    if member.size > max_bytes:
        return Payload(row, failure=too_large(max_bytes))
    data = read_member(stream, member, max_bytes)
    if len(data) < member.size:
        return Payload(row, failure=Failure("truncated", f"{member.name}: the tar ends within it"))
    return checked_payload(row, data, max_bytes)


@dataclass(frozen=True)
class SampleTexts:
    """What stands beside a sample's image."""

    caption: str | None
    metadata: Mapping[str, Any]


def read_texts(stream: IO[bytes], sample: TarSample) -> SampleTexts:
    """Caption (``.txt``, else the JSON's) and JSON metadata, keys in lower case; broken JSON is empty."""
    texts = {suffix: read_member(stream, member, MAX_SIDECAR) for suffix, member in sample.texts.items()}
    try:
        values = json.loads(texts.get("json", b"{}"))
    except (ValueError, RecursionError):
        values = {}
    metadata = {key.lower(): value for key, value in values.items()} if isinstance(values, dict) else {}
    candidates = [(to_text(texts.get("txt")) or "").strip(), *(metadata.get(name) for name in CAPTION_NAMES)]
    text = next((candidate for candidate in candidates if candidate), None)
    return SampleTexts(to_caption(text), metadata)


@dataclass(frozen=True)
class TarShard(ShardRows):
    """A shard as runs of samples of tars."""

    pieces: tuple[Piece, ...]
    names: tuple[str, ...]
    schema: pa.Schema

    @cached_property
    def _samples(self) -> list[list[TarSample]]:
        """The samples of each piece; read on first use, by the worker."""
        return [self._samples_of(piece) for piece in self.pieces]

    @staticmethod
    def _samples_of(piece: Piece) -> list[TarSample]:
        with piece.file.open() as stream:
            samples = list(islice(tar_samples(stream, piece.file), piece.first, piece.first + piece.count))
        if len(samples) != piece.count:
            raise UserError(f"source {piece.file.url}: it changed since its samples were counted: start again")
        return samples

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_samples"}

    def load(self) -> pa.Table:
        urls: list[str] = []
        captions: list[str | None] = []
        metadata: list[Mapping[str, Any]] = []
        for piece, samples in zip(self.pieces, self._samples, strict=True):
            with piece.file.open() as stream:
                for sample in samples:
                    texts = read_texts(stream, sample)
                    label = sample.image.name if sample.image else sample.key
                    urls.append(to_text(f"{piece.file.url}#{label}") or "")
                    captions.append(texts.caption)
                    metadata.append(texts.metadata)
        extra = [
            column_of([values.get(name) for values in metadata], column.type)
            for name, column in zip(self.names, list(self.schema)[3:], strict=True)
        ]
        url, caption = pa.array(urls, pa.string()), pa.array(captions, pa.string())
        return pa.table([rows_from(self.start, len(self)), url, caption, *extra], schema=self.schema)

    def payloads(self, table: pa.Table, max_bytes: int = MAX_LOCAL_BYTES) -> Iterator[Payload]:
        wanted = iter(table["row"].to_pylist())
        row = next(wanted, None)
        start = self.start
        for piece, samples in zip(self.pieces, self._samples, strict=True):
            with piece.file.open() as stream:
                while row is not None and row < start + piece.count:
                    yield member_payload(stream, row, samples[row - start].image, max_bytes)
                    row = next(wanted, None)
            start += piece.count


def _count_samples(file: SourceFile) -> int:
    with file.open() as stream:
        return sum(1 for _ in tar_samples(stream, file))


class WebDatasetSource(CountedSource):
    """Tars of samples: ``<key>.jpg`` (or another picture), ``<key>.txt`` for the caption, ``<key>.json`` for more.

    Every tar's headers are read once to count its samples, and again by the worker that reads them. Those of the JSON's
    keys pass through that stand in ``columns.KNOWN`` and occur in the first ``PROBED_SAMPLES`` samples.
    """

    kind = "webdataset"
    remote = False

    def __init__(self, files: Sequence[SourceFile]) -> None:
        super().__init__(files)
        found = self._probe(self.files[0])
        self._extra = pass_through(pa.schema([pa.field(name, KNOWN[name]) for name in found]))
        self.extra_fields = [field for _, field in self._extra]

    @staticmethod
    def _probe(file: SourceFile) -> list[str]:
        with file.open() as stream:
            samples = list(islice(tar_samples(stream, file), PROBED_SAMPLES))
            found = dict.fromkeys(name for sample in samples for name in read_texts(stream, sample).metadata)
        return [name for name in found if name in KNOWN and name not in CAPTION_NAMES]

    def count_rows(self) -> list[int]:
        return list(in_order(_count_samples, self.files, threads_for(self.files)))

    def shard_of(self, number: int, start: int, stop: int, pieces: tuple[Piece, ...]) -> ShardRows:
        names = tuple(name for name, _ in self._extra)
        return TarShard(number, start, stop, pieces, names, table_schema(self.extra_fields))

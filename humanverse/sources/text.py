"""Text tables of URLs: read once, front to back, by whoever hands out the shards; a shard carries its rows."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pyarrow as pa

from humanverse.errors import UserError
from humanverse.sources.base import ShardRows
from humanverse.sources.columns import Layout, layout, unify
from humanverse.sources.delimited import probe_delimited
from humanverse.sources.lines import COMPRESSIONS, open_lines
from humanverse.sources.pieces import listed_files
from humanverse.sources.storage import SourceFile
from humanverse.sources.text_formats import TextReader, probe_json_lines, probe_url_lists
from humanverse.sources.values import column_of, rows_from, to_caption, to_url
from schemas.recipe import SourceSettings

Probe = Callable[[Sequence[SourceFile], SourceSettings], list[TextReader]]

_PROBES: dict[str, Probe] = {
    ".txt": probe_url_lists,
    ".csv": probe_delimited,
    ".tsv": probe_delimited,
    ".jsonl": probe_json_lines,
}
_OTHER_NAMES = {".urls": ".txt", ".ndjson": ".jsonl", ".json-lines": ".jsonl"}

TEXT_SUFFIXES = {
    suffix + compression: text_format
    for suffix, text_format in ({name: name for name in _PROBES} | _OTHER_NAMES).items()
    for compression in ("", *COMPRESSIONS)
}
"""Every file suffix that is read as text, and the format that it stands for."""

Row = Sequence[Any] | None


@dataclass(frozen=True)
class InlineShard(ShardRows):
    """A shard that carries its rows."""

    table: pa.Table

    def load(self) -> pa.Table:
        return self.table

    def only(self, rows: Sequence[int]) -> ShardRows:
        chosen = self.table.take(pa.array([row - self.start for row in rows], pa.int64()))
        return InlineShard(self.number, rows[0], rows[-1] + 1, chosen)


def _table(rows: Sequence[Row], layout: Layout, types: Sequence[pa.DataType], start: int) -> pa.Table:
    """``rows`` (values of ``layout.wanted``, in that order) as a table; a broken row is a row of nulls."""
    nothing = (None,) * len(types)
    columns = dict(zip(layout.wanted, zip(*(row or nothing for row in rows), strict=True), strict=True))
    captions = columns[layout.caption] if layout.caption else (None,) * len(rows)
    extra = [column_of(columns[name], field.type) for name, field in layout.extra]
    return pa.table(
        [
            rows_from(start, len(rows)),
            pa.array([to_url(value) for value in columns[layout.url]], pa.string()),
            pa.array([to_caption(value) for value in captions], pa.string()),
            *extra,
        ],
        schema=layout.schema,
    )


class TextSource:
    """URL lists, CSV, TSV and JSON lines, plain or compressed."""

    kind = "table"
    remote = True

    def __init__(self, files: Sequence[SourceFile], text_format: str, settings: SourceSettings) -> None:
        self.files = list(files)
        self._readers = _PROBES[text_format](files, settings)
        named = [(file.url, reader.columns) for file, reader in zip(files, self._readers, strict=True)]
        self._columns = unify(named)
        self.layout = layout(self._columns, settings.columns, files[0].url)
        self.extra_fields = self.layout.fields

    def _records(self) -> Iterator[tuple[TextReader, Any]]:
        for file, reader in zip(self.files, self._readers, strict=True):
            with open_lines(file) as lines:
                for record in reader.records(lines):
                    yield reader, record

    @cached_property
    def _count(self) -> int:
        return sum(1 for _ in self._records())

    def count(self) -> int:
        return self._count

    def identity(self) -> dict[str, Any]:
        return {"kind": self.kind, "rows": self.count(), "files": listed_files(self.files)}

    def _picker(self) -> Callable[[TextReader, Any], Row]:
        """A function from a reader's record to the values of ``layout.wanted``."""
        wanted = self.layout.wanted
        places = {id(r): [r.columns.names.index(name) for name in wanted] for r in self._readers}

        def pick(reader: TextReader, record: Any) -> Row:
            cells = reader.cells(record)
            return None if cells is None else [cells[place] for place in places[id(reader)]]

        return pick

    def shards(self, size: int, skip: Container[int] = ()) -> Iterator[ShardRows]:
        types = [self._columns.field(name).type for name in self.layout.wanted]
        pick = self._picker()
        rows: list[Row] = []
        number, position = 0, 0
        wanted = number not in skip

        def shard() -> InlineShard:
            start = number * size
            return InlineShard(number, start, position, _table(rows, self.layout, types, start))

        for reader, record in self._records():
            position += 1
            if wanted:
                rows.append(pick(reader, record))
            if position % size == 0:
                if wanted:
                    yield shard()
                rows = []
                number += 1
                wanted = number not in skip
        if rows:
            yield shard()


def text_format_of(file: SourceFile) -> str | None:
    """The format that a file's name stands for, without its compression; None if it is not a text table."""
    name = file.name.lower()
    found = [suffix for suffix in TEXT_SUFFIXES if name.endswith(suffix)]
    return TEXT_SUFFIXES[max(found, key=len)] if found else None


def open_text(files: Sequence[SourceFile], settings: SourceSettings) -> TextSource:
    """The text source over ``files``, which are all of one format.

    Raises:
        UserError: if they are of several, or as ``TextSource``.
    """
    formats = sorted({text_format_of(file) or "unknown" for file in files})
    if len(formats) > 1:
        raise UserError(f"the source mixes formats ({', '.join(formats)}): build them as separate sources")
    return TextSource(files, formats[0], settings)

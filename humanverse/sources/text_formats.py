"""Readers of URL lists and JSON lines, and what any text format must be able to do."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import pyarrow as pa

from humanverse.sources.columns import KNOWN
from humanverse.sources.lines import Line, decode, head, not_blank
from humanverse.sources.storage import SourceFile, in_order, threads_for

PROBED_LINES = 1_000


class TextReader(Protocol):
    """Reads the rows of one text file.

    ``records`` cuts lines into rows, and is all that a skipped row costs; ``cells`` parses one of them.

    Attributes:
        columns: names in the source, and the types (string, int64, float64, bool) that the cells become.
    """

    @property
    def columns(self) -> pa.Schema: ...

    def records(self, lines: Iterator[Line]) -> Iterator[Any]: ...

    def cells(self, record: Any) -> Sequence[Any] | None:
        """One value per column; None for a row that is broken."""


@dataclass(frozen=True)
class UrlListReader:
    """One URL per line; a blank line is no row."""

    columns: pa.Schema

    def records(self, lines: Iterator[Line]) -> Iterator[Line]:
        return not_blank(lines)

    def cells(self, record: Line) -> Sequence[Any] | None:
        return None if record is None else (decode(record),)


@dataclass(frozen=True)
class JsonLinesReader:
    """One JSON object per line; keys that are not among ``columns`` are not read."""

    columns: pa.Schema

    def records(self, lines: Iterator[Line]) -> Iterator[Line]:
        return not_blank(lines)

    def cells(self, record: Line) -> Sequence[Any] | None:
        values = _json_object(record)
        return None if values is None else [values.get(name) for name in self.columns.names]


def _json_object(line: Line) -> dict[str, Any] | None:
    if line is None:
        return None
    try:
        values = json.loads(decode(line))
    except (ValueError, RecursionError):
        return None
    return values if isinstance(values, dict) else None


_JSON_TYPES = {
    frozenset({int}): pa.int64(),
    frozenset({float}): pa.float64(),
    frozenset({int, float}): pa.float64(),
    frozenset({bool}): pa.bool_(),
}


def json_columns(objects: Sequence[dict[str, Any]]) -> pa.Schema:
    """The keys of ``objects`` in order of appearance. Types are those of ``columns.KNOWN``, else what all values are
    (integer, number, boolean), else string."""
    seen: dict[str, set[type]] = defaultdict(set)
    for values in objects:
        for name, value in values.items():
            seen[name] |= {type(value)} if value is not None else set()
    return pa.schema(
        [
            pa.field(name, KNOWN.get(name.lower()) or _JSON_TYPES.get(frozenset(types), pa.string()))
            for name, types in seen.items()
        ]
    )


def probe_url_lists(files: Sequence[SourceFile], settings: object) -> list[TextReader]:
    return [UrlListReader(pa.schema([pa.field("url", pa.string())])) for _ in files]


def probe_json_lines(files: Sequence[SourceFile], settings: object) -> list[TextReader]:
    """One reader for all files: the columns are the keys in the first ``PROBED_LINES`` lines of each."""
    heads = in_order(lambda file: head(file, PROBED_LINES), files, threads_for(files))
    objects = [values for lines in heads for line in lines if (values := _json_object(line)) is not None]
    reader = JsonLinesReader(json_columns(objects))
    return [reader for _ in files]

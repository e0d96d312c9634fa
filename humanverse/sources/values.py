"""From any cell to the type of its column. What does not fit becomes null; nothing here raises for a value."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa

from humanverse.sources.columns import Layout
from humanverse.sources.digests import SIZES, digest_text

MAX_CAPTION = 10_000
"""Characters; longer captions are cut."""
MAX_URL = 10_000
"""Characters; a longer cell is not taken for a URL."""

_REPLACED = "\ufffd"
_BINARY = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_binary_view, pa.types.is_fixed_size_binary)


def to_text(value: Any) -> str | None:
    """Any cell as text: bytes as UTF-8 with errors replaced, the first item of a list, structures as JSON."""
    if value is None or (isinstance(value, str) and value.isascii()):
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    if isinstance(value, list | tuple):
        return to_text(value[0]) if value else None
    if isinstance(value, dict):
        return to_text(json.dumps(value, default=str, ensure_ascii=False))
    return str(value).encode("utf-8", errors="replace").decode("utf-8")


def to_caption(value: Any) -> str | None:
    text = to_text(value)
    return text[:MAX_CAPTION] if text is not None else None


def to_url(value: Any) -> str | None:
    """Text without surrounding white space; None if that is empty, too long, or was not valid UTF-8."""
    text = (to_text(value) or "").strip()
    return text if text and len(text) <= MAX_URL and _REPLACED not in text else None


def _to_json_text(value: Any) -> str | None:
    return to_text(json.dumps(value, default=str) if isinstance(value, list | tuple) else value)


def _to_float(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return None


def _to_int(value: Any) -> int | None:
    """``value`` as a 64-bit integer; text such as ``640`` or ``640.0`` is one."""
    try:
        number: int | None = int(value)
    except (TypeError, ValueError, OverflowError):
        real = _to_float(value)
        number = int(real) if real is not None and math.isfinite(real) else None
    if number is None or (isinstance(value, float) and number != value):
        return None
    return number if -(2**63) <= number < 2**63 else None


def _to_bool(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


_CONVERTERS: dict[pa.DataType, Callable[[Any], Any]] = {
    pa.string(): _to_json_text,
    pa.int64(): _to_int,
    pa.float64(): _to_float,
    pa.bool_(): _to_bool,
}


def column_of(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """Cells of a format without types (text, JSON) as a column of ``kind``: string, int64, float64 or bool."""
    convert = _CONVERTERS[kind]
    return pa.array([convert(value) for value in values], kind)


def _clean_strings(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """``column`` (string) with invalid UTF-8 replaced; Parquet readers do not check it."""
    try:
        column.validate(full=True)
        return column
    except pa.ArrowInvalid:
        raw = column.cast(pa.binary()).to_pylist()
        return pa.chunked_array([pa.array([to_text(value) for value in raw], pa.string())])


def _valid_alone(column: pa.ChunkedArray, index: int) -> Any:
    try:
        cell = column.take(pa.array([index]))
        cell.validate(full=True)
        return cell[0].as_py()
    except (pa.ArrowException, ValueError, OverflowError):
        return None


def _clean_nested(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """``column`` with null for the cells whose inside is not valid (bad UTF-8 in a list of strings)."""
    try:
        column.validate(full=True)
        return column
    except pa.ArrowInvalid:
        return pa.chunked_array([pa.array([_valid_alone(column, index) for index in range(len(column))], column.type)])


def conform_column(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    """A typed column in ``kind``, to which ``columns.unify`` promoted it, with nothing in it that a reader trips over."""
    if column.type != kind:
        column = column.cast(kind, safe=False)
    return _clean_strings(column) if pa.types.is_string(kind) else _clean_nested(column)


def _python_values(column: pa.ChunkedArray) -> list[Any]:
    try:
        return column.to_pylist()
    except (ValueError, OverflowError):
        return [_valid_alone(column, index) for index in range(len(column))]


def _cells(column: pa.ChunkedArray, convert: Callable[[Any], str | None]) -> pa.Array:
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_string(column.type):
        column = column.cast(pa.binary())
    elif pa.types.is_large_string(column.type):
        column = column.cast(pa.large_binary())
    return pa.array([convert(value) for value in _python_values(column)], pa.string())


def _digests(column: pa.ChunkedArray, size: int) -> pa.Array:
    """A column of hashes as strings; a binary one as hex digits."""
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if not any(is_kind(kind) for is_kind in _BINARY):
        return _cells(column, to_text)
    return pa.array([to_text(digest_text(value, size)) for value in column.to_pylist()], pa.string())


def conform(table: pa.Table, layout: Layout, start: int) -> pa.Table:
    """A piece of a typed table as rows of ``layout.schema``, the first of them row ``start`` of the source."""
    first_of = {name: index for index, name in reversed(list(enumerate(table.schema.names)))}

    def column(name: str) -> pa.ChunkedArray:
        return table.column(first_of[name])

    url = _cells(column(layout.url), to_url)
    caption = (
        pa.nulls(len(table), pa.string()) if layout.caption is None else _cells(column(layout.caption), to_caption)
    )
    extra = [
        _digests(column(name), SIZES[field.name]) if field.name in SIZES else conform_column(column(name), field.type)
        for name, field in layout.extra
    ]
    return pa.table([rows_from(start, len(table)), url, caption, *extra], schema=layout.schema)


def rows_from(start: int, count: int) -> pa.Array:
    return pa.array(range(start, start + count), pa.int64())

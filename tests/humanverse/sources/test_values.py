from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from humanverse.sources.columns import layout
from humanverse.sources.values import (
    MAX_CAPTION,
    MAX_URL,
    column_of,
    conform,
    conform_column,
    to_caption,
    to_text,
    to_url,
)

_CELLS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=()))
    | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def _bad_utf8() -> pa.Array:
    offsets = pa.array([0, 1, 3], pa.int32()).buffers()[1]
    return pa.Array.from_buffers(pa.string(), 2, [None, offsets, pa.py_buffer(b"a\xff\xfe")])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, None),
        ("a\nb\0c", "a\nb\0c"),
        (b"caf\xe9", "caf\ufffd"),
        (7, "7"),
        (["first", "second"], "first"),
        ([], None),
        ({"a": 1}, '{"a": 1}'),
        ("\ud800", "?"),
    ],
)
def test_any_cell_as_text(value: Any, text: str | None) -> None:
    assert to_text(value) == text


def test_a_long_caption_is_cut_and_a_long_url_is_none() -> None:
    assert to_caption("x" * 1_000_000) == "x" * MAX_CAPTION
    assert to_url("http://a/" + "x" * MAX_URL) is None


@pytest.mark.parametrize("value", [None, "", "  \n", b"http://a/\xff.jpg", [], "http://a/\ufffd"])
def test_what_is_no_url_is_none(value: Any) -> None:
    assert to_url(value) is None


def test_a_url_loses_the_white_space_around_it() -> None:
    assert to_url(" http://a/b c.jpg\n") == "http://a/b c.jpg"


@pytest.mark.parametrize(
    ("kind", "values", "expected"),
    [
        (pa.int64(), ["640", "640.0", 640.0, 640.5, "x", None, "nan", 2**70, "", [1]], [640, 640, 640, *[None] * 7]),
        (pa.float64(), ["0.5", 1, "x", None, {}], [0.5, 1.0, None, None, None]),
        (pa.bool_(), [True, "true", 1, None], [True, None, None, None]),
        (pa.string(), ["a", 1, [1, 2], {"b": None}, None], ["a", "1", "[1, 2]", '{"b": null}', None]),
    ],
)
def test_untyped_cells_become_their_columns_type(kind: pa.DataType, values: list[Any], expected: list[Any]) -> None:
    assert column_of(values, kind).to_pylist() == expected


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(_CELLS, max_size=8), st.sampled_from([pa.string(), pa.int64(), pa.float64(), pa.bool_()]))
def test_no_cell_whatever_makes_a_column_fail(values: list[Any], kind: pa.DataType) -> None:
    column = column_of(values, kind)
    column.validate(full=True)
    assert len(column) == len(values)
    pa.array([to_url(value) for value in values], pa.string()).validate(full=True)
    pa.array([to_caption(value) for value in values], pa.string()).validate(full=True)


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (pa.array([1, None]), ["1", None]),
        (pa.array([["a", "b"], []]), ["a", None]),
        (pa.array([b"\xff", b"ok"]), ["\ufffd", "ok"]),
        (pa.array(["a", "b"]).dictionary_encode(), ["a", "b"]),
        (pa.array(["a", None], pa.large_string()), ["a", None]),
        (pa.array([{"a": 1}, None]), ['{"a": 1}', None]),
        (pa.nulls(2), [None, None]),
        (_bad_utf8(), ["a", "\ufffd\ufffd"]),
        (pa.ListArray.from_arrays([0, 1, 2], _bad_utf8()), ["a", None]),
        (pa.array([0, 2**62], pa.timestamp("s")), ["1970-01-01 00:00:00", None]),
    ],
)
def test_captions_of_any_type(cells: pa.Array, expected: list[str | None]) -> None:
    table = pa.table({"url": ["http://a", "http://b"], "caption": cells})
    rows = conform(table, layout(table.schema, {}, "t"), 5)
    assert rows["caption"].to_pylist() == expected
    assert rows["row"].to_pylist() == [5, 6]


def test_bad_utf8_that_passes_through_is_mended() -> None:
    assert conform_column(pa.chunked_array([_bad_utf8()]), pa.string()).to_pylist() == ["a", "\ufffd\ufffd"]
    nested = pa.chunked_array([pa.ListArray.from_arrays([0, 1, 2], _bad_utf8())])
    assert conform_column(nested, nested.type).to_pylist() == [["a"], None]


def test_a_repeated_column_name_means_the_first() -> None:
    table = pa.table([["http://a"], ["one"], ["two"]], names=["url", "caption", "caption"])
    rows = conform(table, layout(table.schema, {}, "t"), 0)
    assert rows.schema.names == ["row", "url", "caption"]
    assert rows["caption"].to_pylist() == ["one"]

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from humanverse.errors import UserError
from humanverse.sources.delimited import DelimitedReader, probe_delimited
from humanverse.sources.lines import open_lines, split_lines
from humanverse.sources.storage import find
from schemas.recipe import SourceSettings


def _read(path: Path, text: str, **settings: Any) -> tuple[list[str], list[Any]]:
    """Names of the columns, and the cells of each row."""
    path.write_bytes(text.encode())
    file = find([str(path)])[0].file
    assert file is not None
    (reader,) = probe_delimited([file], SourceSettings(**settings))
    with open_lines(file) as lines:
        return reader.columns.names, [reader.cells(record) for record in reader.records(lines)]


def test_a_header_is_what_holds_no_url(tmp_path: Path) -> None:
    names, rows = _read(tmp_path / "a.csv", "URL,TEXT,WIDTH\nhttp://a/1.jpg,hello,640\n")
    assert (names, rows) == (["URL", "TEXT", "WIDTH"], [["http://a/1.jpg", "hello", "640"]])


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("http://a/1.jpg\tone\nhttp://a/2.jpg\ttwo\n", ["url", "caption"]),
        ("one\thttp://a/1.jpg\ntwo\thttp://a/2.jpg\n", ["caption", "url"]),
        ("7\thttp://a/1.jpg\tone\n", ["column_0", "url", "column_2"]),
    ],
    ids=["CC12M", "CC3M", "three columns"],
)
def test_without_a_header_the_content_names_the_columns(tmp_path: Path, text: str, names: list[str]) -> None:
    found, rows = _read(tmp_path / "a.tsv", text)
    assert found == names
    assert len(rows) == text.count("\n")


def test_the_recipe_may_say_that_there_is_a_header_or_none(tmp_path: Path) -> None:
    assert _read(tmp_path / "a.csv", "a,b\nc,d\n", header=False)[1] == [["a", "b"], ["c", "d"]]
    assert _read(tmp_path / "a.csv", "http://x,b\nc,d\n", header=True)[0] == ["http://x", "b"]


@pytest.mark.parametrize("delimiter", [";", "|", "\t"])
def test_another_delimiter_is_seen_in_the_first_line(tmp_path: Path, delimiter: str) -> None:
    names, rows = _read(tmp_path / "a.csv", f"url{delimiter}text\nhttp://a{delimiter}x, y\n")
    assert (names, rows) == (["url", "text"], [["http://a", "x, y"]])


def test_a_delimiter_from_the_recipe(tmp_path: Path) -> None:
    assert _read(tmp_path / "a.csv", "url^text\nhttp://a^x\n", delimiter="^")[1] == [["http://a", "x"]]


def test_quotes_delimiters_and_line_ends_inside_quotes(tmp_path: Path) -> None:
    text = 'url,text\r\n"http://a/1,2.jpg","he said ""hi"",\r\nand left"\r\nhttp://b,"x"\r\n'
    assert _read(tmp_path / "a.csv", text)[1] == [
        ["http://a/1,2.jpg", 'he said "hi",\nand left'],
        ["http://b", "x"],
    ]


@pytest.mark.parametrize(
    "text",
    [
        'http://a/1\t"best\nhttp://a/2\tplain\nhttp://a/3\tx\n',
        'http://a/1\t"best\nhttp://a/2\t"of all\nhttp://a/3\tx\n',
        '"best\thttp://a/1\n"of all\thttp://a/2\nx\thttp://a/3\n',
        'http://a/1\t5" pipe\nhttp://a/2\tx "y" z\nhttp://a/3\t"\n',
        'http://a/1\tx\nhttp://a/2\ty\nhttp://a/3\t"never closed',
    ],
)
def test_a_stray_quote_swallows_no_row(tmp_path: Path, text: str) -> None:
    names, rows = _read(tmp_path / "a.tsv", text)
    urls = [row[names.index("url")] for row in rows]
    assert urls == ["http://a/1", "http://a/2", "http://a/3"]


def test_a_quoted_caption_before_the_url_may_span_lines(tmp_path: Path) -> None:
    text = 'text,url\n"two\nlines",http://a/1\n"two, or\n\nthree",http://a/2\nx,http://a/3\n'
    urls = [row[1] for row in _read(tmp_path / "a.csv", text)[1]]
    assert urls == ["http://a/1", "http://a/2", "http://a/3"]


def test_a_wrong_number_of_cells_is_a_broken_row(tmp_path: Path) -> None:
    text = "url,text\nhttp://a\nhttp://b,x,y\n\nhttp://c,\n"
    assert _read(tmp_path / "a.csv", text)[1] == [None, None, ["http://c", None]]


def test_header_names_are_made_unique(tmp_path: Path) -> None:
    assert _read(tmp_path / "a.csv", "url,,a,a\nhttp://x,1,2,3\n")[0] == ["url", "column_1", "a", "column_3"]


def test_an_empty_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="it has no rows"):
        _read(tmp_path / "a.csv", "\n\n")


def test_files_may_order_their_columns_differently_but_not_have_others(tmp_path: Path) -> None:
    for name, header in (("1", "url,text"), ("2", "text,url"), ("3", "url,title")):
        (tmp_path / f"{name}.csv").write_text(f"{header}\nhttp://a,x\n")
    files = [place.file for place in find([str(tmp_path / "*.csv")]) if place.file]
    assert len(probe_delimited(files[:2], SourceSettings())) == 2
    with pytest.raises(UserError, match=r"3\.csv: its columns differ"):
        probe_delimited(files, SourceSettings())


_CELL = st.text(st.characters(blacklist_categories=("Cs", "Cc")) | st.sampled_from('",\n"'), max_size=12)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.lists(st.tuples(_CELL, st.integers(0, 9)), min_size=1, max_size=8), st.booleans())
def test_what_the_csv_module_wrote_is_read_as_it_was(rows: list[tuple[str, int]], url_first: bool) -> None:
    written = [(f"http://h/{n}", text) if url_first else (text, f"http://h/{n}") for text, n in rows]
    out = io.StringIO()
    csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(written)
    columns = pa.schema([pa.field("a", pa.string()), pa.field("b", pa.string())])
    reader = DelimitedReader(columns, ",", header=False)
    read = [reader.cells(row) for row in reader.records(split_lines(io.BytesIO(out.getvalue().encode())))]
    assert read == [[cell or None for cell in row] for row in written]


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.binary(max_size=200) | st.text('",\n\t a\0\r', max_size=60).map(str.encode))
def test_no_bytes_whatever_make_a_reader_fail(data: bytes) -> None:
    columns = pa.schema([pa.field("a", pa.string()), pa.field("b", pa.string())])
    reader = DelimitedReader(columns, ",", header=False)
    for record in reader.records(split_lines(io.BytesIO(data))):
        cells = reader.cells(record)
        assert cells is None or len(cells) == 2

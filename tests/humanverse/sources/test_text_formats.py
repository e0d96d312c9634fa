from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa

from humanverse.sources.storage import SourceFile, find
from humanverse.sources.text_formats import json_columns, probe_json_lines, probe_url_lists


def _files(tmp_path: Path, *texts: str) -> list[SourceFile]:
    for number, text in enumerate(texts):
        (tmp_path / f"{number}.jsonl").write_text(text)
    return [place.file for place in find([str(tmp_path / "*.jsonl")]) if place.file]


def test_a_url_list_is_one_url_per_line_that_is_not_blank() -> None:
    (reader,) = probe_url_lists([SourceFile(None, "x.txt", 0)], None)
    records = list(reader.records(iter([b"http://a", b"", b"  ", b"no url", None])))
    assert [reader.cells(record) for record in records] == [("http://a",), ("no url",), None]


def test_json_types_are_what_all_values_are() -> None:
    columns = json_columns(
        [
            {"url": "a", "i": 1, "f": 1, "b": True, "m": 1, "n": None, "WIDTH": "640", "l": [1]},
            {"i": 2, "f": 0.5, "b": False, "m": "x", "n": None, "late": "z"},
        ]
    )
    assert {field.name: field.type for field in columns} == {
        "url": pa.string(),
        "i": pa.int64(),
        "f": pa.float64(),
        "b": pa.bool_(),
        "m": pa.string(),
        "n": pa.string(),
        "WIDTH": pa.int64(),
        "l": pa.string(),
        "late": pa.string(),
    }


def test_a_broken_json_line_is_a_broken_row(tmp_path: Path) -> None:
    files = _files(tmp_path, json.dumps({"url": "http://a", "n": 1}) + "\n")
    (reader,) = probe_json_lines(files, None)
    broken = [b"{", b"[1]", b"null", b"\xff\xfe", b"[" * 100_000, b"1" * 5_000, None]
    assert [reader.cells(line) for line in reader.records(iter(broken))] == [None] * len(broken)
    assert reader.cells(b'{"n": 2, "other": 3}') == [None, 2]


def test_json_files_share_the_union_of_their_keys(tmp_path: Path) -> None:
    readers = probe_json_lines(_files(tmp_path, '{"url": "a", "x": 1}\n', '{"url": "b", "y": 2}\n'), None)
    assert [reader.columns.names for reader in readers] == [["url", "x", "y"]] * 2

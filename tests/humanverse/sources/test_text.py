from __future__ import annotations

import gzip
import json
import pickle
from pathlib import Path

import fsspec
import pyarrow as pa
import pytest

from humanverse.errors import UserError
from humanverse.sources import open_source
from humanverse.sources.storage import SourceFile, find
from humanverse.sources.text import open_text, text_format_of
from schemas.recipe import SourceSettings
from tests.humanverse.sources.test_parquet import peak_growth_mb


def _files(*specs: Path | str) -> list[SourceFile]:
    return [place.file for place in find([str(spec) for spec in specs]) if place.file]


def _rows(path: Path | str, size: int = 1_000, **settings: object) -> pa.Table:
    source = open_text(_files(path), SourceSettings(**settings))  # type: ignore[arg-type]
    return pa.concat_tables([shard.load() for shard in source.shards(size)])


@pytest.mark.parametrize("size", [1, 3, 7, 100])
def test_shards_span_files(tmp_path: Path, size: int) -> None:
    (tmp_path / "1.txt").write_text("http://a/0\n\nhttp://a/1\nhttp://a/2")
    (tmp_path / "2.txt.gz").write_bytes(gzip.compress(b"http://a/3\r\nhttp://a/4\r\n"))
    (tmp_path / "3.txt").write_text("http://a/5\nhttp://a/6\n")
    source = open_text(_files(tmp_path / "*.txt*"), SourceSettings())
    shards = list(source.shards(size))
    rows = pa.concat_tables([shard.load() for shard in shards])
    assert source.count() == 7
    assert rows["row"].to_pylist() == list(range(7))
    assert rows["url"].to_pylist() == [f"http://a/{n}" for n in range(7)]
    assert rows["caption"].null_count == 7
    assert [(s.start, s.stop) for s in shards] == [(n, min(7, n + size)) for n in range(0, 7, size)]
    assert pickle.loads(pickle.dumps(shards[-1])).load().equals(shards[-1].load())


def test_skipped_shards_do_not_move_the_others(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("".join(f"http://a/{n}\n" for n in range(25)))
    source = open_text(_files(tmp_path / "a.txt"), SourceSettings())
    every = list(source.shards(10))
    kept = list(source.shards(10, skip={0, 2}))
    assert [shard.number for shard in kept] == [1]
    assert kept[0].load().equals(every[1].load())
    assert [shard.number for shard in source.shards(10, skip={0, 1})] == [2]


def test_csv_with_numbers_and_a_passing_column(tmp_path: Path) -> None:
    text = "SAMPLE_ID,URL,TEXT,HEIGHT,similarity,Note\n7,http://a,one,480.0,0.25,x\n?,http://b,,,nothing,\n"
    (tmp_path / "a.csv").write_text(text)
    rows = _rows(tmp_path / "a.csv")
    assert rows.to_pylist() == [
        {
            "row": 0,
            "url": "http://a",
            "caption": "one",
            "sample_id": 7,
            "source_height": 480,
            "similarity": 0.25,
            "Note": "x",
        },
        {
            "row": 1,
            "url": "http://b",
            "caption": None,
            "sample_id": None,
            "source_height": None,
            "similarity": None,
            "Note": None,
        },
    ]


def test_files_with_another_order_of_columns(tmp_path: Path) -> None:
    (tmp_path / "1.csv").write_text("url,text\nhttp://a,one\n")
    (tmp_path / "2.csv").write_text("text,url\ntwo,http://b\n")
    rows = _rows(tmp_path / "*.csv")
    assert rows["url"].to_pylist() == ["http://a", "http://b"]
    assert rows["caption"].to_pylist() == ["one", "two"]


def test_json_lines(tmp_path: Path) -> None:
    lines = [
        json.dumps({"url": "http://a", "caption": ["one", "two"], "score": 1}),
        "{broken",
        json.dumps({"caption": "\ud800 lone", "score": "high"}),
        json.dumps({"url": 7, "caption": "x" * 1_000_000, "score": 2**80}),
        json.dumps({"url": "http://b\0c", "caption": {"en": "dog"}, "later": True}),
    ]
    (tmp_path / "a.jsonl").write_text("\n".join(lines))
    rows = _rows(tmp_path / "a.jsonl").to_pydict()
    assert rows["url"] == ["http://a", None, None, "7", "http://b\0c"]
    assert rows["caption"] == ["one", None, "? lone", "x" * 10_000, '{"en": "dog"}']
    assert rows["score"] == ["1", None, "high", str(2**80), None]
    assert rows["later"] == [None, None, None, None, True]


def test_broken_lines_are_rows_without_url(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"url,text\nhttp://a/\xff,x\nhttp://b,\xff\nhttp://c\n")
    rows = _rows(tmp_path / "a.csv").to_pydict()
    assert rows["url"] == [None, "http://b", None]
    assert rows["caption"] == ["x", "\ufffd", None]


def test_mapped_columns(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("image_link,desc\nhttp://a,one\n")
    rows = _rows(tmp_path / "a.csv", columns={"url": "image_link", "caption": "desc"})
    assert rows.to_pylist() == [{"row": 0, "url": "http://a", "caption": "one"}]


def test_no_url_column(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("image_link,desc\nx,one\n")
    with pytest.raises(UserError, match="no URL column among image_link, desc"):
        open_text(_files(tmp_path / "a.csv"), SourceSettings())


def test_mixed_formats_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("url\nhttp://a\n")
    (tmp_path / "b.txt").write_text("http://b\n")
    with pytest.raises(UserError, match=r"mixes formats \(\.csv, \.txt\)"):
        open_text(_files(tmp_path / "*"), SourceSettings())


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("a.txt", ".txt"),
        ("A.CSV.GZ", ".csv"),
        ("a.urls.zst", ".txt"),
        ("a.json-lines", ".jsonl"),
        ("a.ndjson.bz2", ".jsonl"),
        ("a.json", None),
        ("a.parquet", None),
        ("list.txt?download=1", ".txt"),
    ],
)
def test_formats_by_name(name: str, found: str | None) -> None:
    assert text_format_of(SourceFile(fsspec.filesystem("memory"), f"/{name}", 0)) == found


def test_memory_filesystem_and_identity() -> None:
    fs = fsspec.filesystem("memory")
    fs.pipe_file("/text/one.csv", b"url,text\nhttp://a,x\n")
    source = open_source("memory://text/one.csv", SourceSettings())
    assert source.identity() == {"kind": "table", "rows": 1, "files": [["one.csv", 20]]}
    assert next(iter(source.shards(5))).load()["url"].to_pylist() == ["http://a"]


def test_pictures_of_a_table_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("http://a\n")
    shard = next(iter(open_text(_files(tmp_path / "a.txt"), SourceSettings()).shards(1)))
    with pytest.raises(TypeError, match="fetched"):
        shard.payloads(shard.load())


def test_two_million_lines_pass_in_bounded_memory(tmp_path: Path) -> None:
    path = tmp_path / "m.txt"
    with path.open("w") as out:
        out.writelines(f"http://host.example/a/longer/path/{n}/picture.jpg\n" for n in range(2_000_000))
    rows, growth = peak_growth_mb(path, every=1)
    assert rows == 2_000_000
    assert growth < 100

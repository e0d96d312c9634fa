from __future__ import annotations

import bz2
import gzip
import io
from pathlib import Path

import pyarrow as pa
import pytest

from humanverse.errors import UserError
from humanverse.sources import lines as lines_module
from humanverse.sources.lines import head, not_blank, open_lines, split_lines
from humanverse.sources.storage import SourceFile, find

TEXT = "".join(f"line {n}\n" for n in range(3_000)).encode()


def _file(path: Path) -> SourceFile:
    file = find([str(path)])[0].file
    assert file is not None
    return file


def _zstd(data: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as out:
        out.write(data)
    return sink.getvalue().to_pybytes()


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", []),
        (b"a", [b"a"]),
        (b"a\r\nb\n\nc", [b"a", b"b", b"", b"c"]),
        (b"\xef\xbb\xbfa\nb\n", [b"a", b"b"]),
        (b"a\rb\n", [b"a\rb"]),
    ],
)
def test_lines(data: bytes, expected: list[bytes]) -> None:
    assert list(split_lines(io.BytesIO(data))) == expected


def test_lines_do_not_depend_on_where_blocks_end(monkeypatch: pytest.MonkeyPatch) -> None:
    data = b"\xef\xbb\xbfone\r\ntwo\n\nthree"
    for block in range(3, 20):
        monkeypatch.setattr(lines_module, "_BLOCK", block)
        assert list(split_lines(io.BytesIO(data))) == [b"one", b"two", b"", b"three"]


def test_a_line_without_end_is_one_broken_row_and_takes_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines_module, "MAX_LINE", 10)
    for block in (3, 7, 1_000):
        monkeypatch.setattr(lines_module, "_BLOCK", block)
        data = b"a\n" + b"x" * 100 + b"\nb\n" + b"y" * 50
        assert list(split_lines(io.BytesIO(data))) == [b"a", None, b"b", None]


def test_blank_lines_are_no_rows() -> None:
    assert list(not_blank(iter([b"a", b"", b" \t", None, b"b"]))) == [b"a", None, b"b"]


@pytest.mark.parametrize(
    ("suffix", "data"),
    [
        (".txt", TEXT),
        (".txt.gz", gzip.compress(TEXT)),
        (".txt.gz", gzip.compress(TEXT[:9_000]) + gzip.compress(TEXT[9_000:])),
        (".txt.bz2", bz2.compress(TEXT)),
        (".TXT.ZST", _zstd(TEXT)),
    ],
)
def test_compressed_files(tmp_path: Path, suffix: str, data: bytes) -> None:
    (tmp_path / f"a{suffix}").write_bytes(data)
    with open_lines(_file(tmp_path / f"a{suffix}")) as lines:
        assert list(lines) == TEXT.splitlines()
    assert head(_file(tmp_path / f"a{suffix}"), 2) == [b"line 0", b"line 1"]


@pytest.mark.parametrize("data", [gzip.compress(TEXT)[:-200], b"not gzip at all"])
def test_damaged_compression_names_the_file(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "bad.txt.gz").write_bytes(data)
    with (
        pytest.raises(UserError, match=r"bad\.txt\.gz: its gzip data is damaged or ends early"),
        open_lines(_file(tmp_path / "bad.txt.gz")) as lines,
    ):
        list(lines)

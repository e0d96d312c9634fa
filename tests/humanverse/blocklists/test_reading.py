"""Lists as users keep them, and as they get them wrong."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import lzma
from pathlib import Path

import numpy as np
import pytest

from humanverse.blocklists import read
from humanverse.blocklists.reading import MAX_LINE
from humanverse.errors import UserError
from tests.servers import serve_folder

TEXT = "\ufeff# ours\nb.example # since May\n\n  a.example\t\r\na.example\n#c.example\n"


def test_comments_blank_lines_and_repetitions(tmp_path: Path) -> None:
    path = tmp_path / "domains.txt"
    path.write_text(TEXT, encoding="utf-8")
    found = read("domains", str(path))
    assert (found.kind, found.name, len(found.keys), found.fresh) == ("domains", "domains.txt", 2, True)
    assert found.keys.dtype == np.uint64
    assert found.keys[0] < found.keys[1]
    assert found.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_fragment_of_a_url_is_no_comment(tmp_path: Path) -> None:
    (tmp_path / "u.txt").write_text("http://a.example/#a\nhttp://a.example/ #a\n")
    assert len(read("urls", str(tmp_path / "u.txt")).keys) == 1


def test_compressed_and_from_a_server(tmp_path: Path) -> None:
    (tmp_path / "d.txt").write_text(TEXT, encoding="utf-8")
    (tmp_path / "d.txt.gz").write_bytes(gzip.compress(TEXT.encode()))
    plain = read("domains", str(tmp_path / "d.txt"))
    with serve_folder(tmp_path) as base:
        packed = read("domains", f"{base}/d.txt.gz?version=2")
        with pytest.raises(UserError, match=r"block.domains: http://.*/none.txt: it is not there"):
            read("domains", f"{base}/none.txt")
    assert np.array_equal(plain.keys, packed.keys)
    assert packed.name == "d.txt.gz"


def test_an_empty_list(tmp_path: Path) -> None:
    (tmp_path / "none.txt").write_text("# nothing yet\n")
    assert read("urls", str(tmp_path / "none.txt")).keys.shape == (0,)


def test_what_was_compiled_before_is_not_read_again(tmp_path: Path) -> None:
    (tmp_path / "h.txt").write_text("this is no hash\n")
    keys = np.array([1, 2], np.uint64)
    found = read("hashes", str(tmp_path / "h.txt"), lambda kind, sha256: keys)
    assert found.keys is keys
    assert not found.fresh


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a.example\nb.example\nhttp://c.example\n", "line 3: not a domain or an IP address"),
        (b"# fine\n\xff\xfe\n", "line 2 is not UTF-8 text: save the list as UTF-8"),
        (b"a" * MAX_LINE, "line 1: not a domain or an IP address .*: the line is longer"),
    ],
)
def test_a_malformed_entry_is_named_by_file_and_line(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "bad.txt"
    path.write_bytes(content)
    with pytest.raises(UserError, match=message) as caught:
        read("domains", str(path))
    assert str(caught.value).startswith(f"block.domains: {path}, line")
    assert "\n" not in str(caught.value)


def damaged(packed: bytes) -> bytes:
    """``packed`` with its middle turned over."""
    at = len(packed) // 2
    return packed[:at] + bytes(byte ^ 0xFF for byte in packed[at:])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("u.txt.gz", gzip.compress(b"#")[:10] + b"\xff" * 40),
        ("u.txt.bz2", damaged(bz2.compress(b"# nothing\n" * 100))),
        ("u.txt.xz", damaged(lzma.compress(b"# nothing\n" * 100))),
        ("u.txt.xz", b"http://a.example/\n"),
        ("u.txt.zip", b"http://a.example/\n"),
    ],
    ids=["gz", "bz2", "xz", "not xz", "not zip"],
)
def test_a_damaged_archive_is_told_in_one_line(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=rf"block\.urls: .*{name}: ") as caught:
        read("urls", str(tmp_path / name))
    assert "\n" not in str(caught.value)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="it is not there: check the path"):
        read("urls", str(tmp_path / "none.txt"))
    (tmp_path / "u.txt.gz").write_bytes(gzip.compress(b"http://a.example/\n" * 1000)[:-20])
    with pytest.raises(UserError, match=r"block\.urls: .*u.txt.gz: "):
        read("urls", str(tmp_path / "u.txt.gz"))
    (tmp_path / "u.txt.gz").write_bytes(b"http://a.example/\n")
    with pytest.raises(UserError, match=r"block\.urls: .*u.txt.gz: "):
        read("urls", str(tmp_path / "u.txt.gz"))

"""When a picture is another one than the list means, and when that cannot be known."""

from __future__ import annotations

import hashlib

import pyarrow as pa
import pytest

from pipelines.stages.drift import SourceHashes, drift

DATA = b"a picture"
MD5, SHA256 = hashlib.md5(DATA).hexdigest(), hashlib.sha256(DATA).hexdigest()


def difference(**columns: str | None) -> str | None:
    table = pa.table({"url": ["u"], **{name: pa.array([value], pa.string()) for name, value in columns.items()}})
    return SourceHashes(table).difference(0, DATA, SHA256)


def test_equal_hashes() -> None:
    assert difference(source_md5=MD5) == ""
    assert difference(source_sha256=f" {SHA256.upper()}\n") == ""


def test_other_bytes_are_named_by_both_hashes() -> None:
    assert difference(source_md5="0" * 32) == f"md5 {MD5[:12]}…, listed 000000000000…"
    assert difference(source_sha256="f" * 64) == f"sha256 {SHA256[:12]}…, listed ffffffffffff…"


@pytest.mark.parametrize("value", [None, "", "unknown", MD5[:-1], "sha1:" + MD5, "z" * 32])
def test_what_is_no_hash_says_nothing(value: str | None) -> None:
    assert difference(source_md5=value) is None
    assert difference(source_sha256=value) is None
    assert difference() is None


def test_the_stronger_hash_decides_where_there_are_two() -> None:
    assert difference(source_md5="0" * 32, source_sha256=SHA256) == ""
    assert difference(source_md5=MD5, source_sha256="0" * 64)
    assert difference(source_md5=MD5, source_sha256="not known") == ""


def test_bytes_that_may_have_been_encoded_anew_can_only_be_confirmed() -> None:
    assert [drift(found, as_downloaded=True) for found in ("md5 …", "", None)] == [True, False, None]
    assert [drift(found, as_downloaded=False) for found in ("md5 …", "", None)] == [None, False, None]

"""Hashes as lists bring them: text or bytes, and much that is none."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from humanverse.sources import open_source
from humanverse.sources.digests import usable
from schemas.recipe import SourceSettings

DIGEST = hashlib.md5(b"a picture").digest()


@pytest.mark.parametrize(
    "kind", [pa.binary(), pa.binary(16), pa.large_binary(), pa.dictionary(pa.int8(), pa.binary()), pa.binary_view()]
)
def test_binary_hashes_become_hex(tmp_path: Path, kind: pa.DataType) -> None:
    table = pa.table({"url": ["http://a/1", "http://a/2"], "md5": pa.array([DIGEST, None], pa.binary()).cast(kind)})
    pq.write_table(table, tmp_path / "t.parquet")
    assert _read(tmp_path / "t.parquet") == [DIGEST.hex(), None]


def test_what_is_no_hash_stays_as_the_list_has_it(tmp_path: Path) -> None:
    values = ["sixteen letters.", DIGEST.hex().upper(), "", None]
    pq.write_table(pa.table({"url": ["u"] * 4, "md5": values}), tmp_path / "t.parquet")
    assert _read(tmp_path / "t.parquet") == values
    in_bytes = pa.array([b"short", DIGEST.hex().encode()], pa.binary())
    pq.write_table(pa.table({"url": ["u"] * 2, "md5": in_bytes}), tmp_path / "t.parquet")
    assert _read(tmp_path / "t.parquet") == ["short", DIGEST.hex()]


def test_hashes_of_text_tables(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(f"url,md5\nhttp://a/1,{DIGEST.hex()}\nhttp://a/2,12345\n")
    assert _read(tmp_path / "t.csv") == [DIGEST.hex(), "12345"]
    (tmp_path / "t.jsonl").write_text('{"url": "http://a/1", "md5": 12345}\n{"url": "http://a/2", "md5": null}\n')
    assert _read(tmp_path / "t.jsonl") == ["12345", None]


def test_usable_values() -> None:
    assert usable(f" {DIGEST.hex().upper()} ", 16) == DIGEST.hex()
    for value in (None, "", "abc", DIGEST.hex()[:-1], DIGEST.hex() + "0", "g" * 32, DIGEST.hex()[:-1] + "\u0660", 12):
        assert usable(value, 16) is None
    assert usable(DIGEST.hex(), 32) is None


def _read(path: Path) -> list[str | None]:
    (shard,) = open_source(str(path), SourceSettings()).shards(100)
    column = shard.load()["source_md5"]
    assert column.type == pa.string()
    return column.to_pylist()

"""img2dataset's output, as a small writer makes it, back to rows."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from humanverse.errors import UserError
from humanverse.sources.base import table_schema
from pipelines.download.folder import Downloads
from pipelines.download.ingest import DownloadedShard, failed_alike
from tests.humanverse.sources.test_tars import write_tar

NUMBER, START = 3, 30
URLS: list[str | None] = [
    "http://a.example/0",
    "file:///etc/passwd",
    "http://a.example/2 x",
    None,
    "http://10.0.0.1/4",
    "http://a.example/5",
    "http://a.example/6",
]
SAID: list[dict[str, Any]] = [
    {"row": 36, "key": "k6", "url": "http://a.example/6", "status": "success", "error_message": None},
    {"row": 35, "key": "k5", "url": "http://a.example/5", "status": "failed_to_download", "error_message": "timed out"},
    {"row": 30, "key": "k0", "url": "http://a.example/0", "status": "success", "error_message": None},
]
"""In the order in which downloads end; row 32 is missing, as where img2dataset failed to write it."""
SCHEMA = pa.schema(
    [pa.field("row", pa.int64()), *(pa.field(n, pa.string()) for n in ("key", "url", "status", "error_message"))]
)


def source_table() -> pa.Table:
    rows, captions = range(START, START + len(URLS)), [f"c{n}" for n in range(len(URLS))]
    columns = [pa.array(rows, pa.int64()), pa.array(URLS, pa.string()), pa.array(captions), pa.array([0.5] * len(URLS))]
    return pa.table(columns, schema=table_schema([pa.field("similarity", pa.float64())]))


def shard(folder: Path, said: list[dict[str, Any]] | None, least: int | None = 20) -> DownloadedShard:
    downloads = Downloads(folder)
    downloads.open()
    downloads.save_rows(NUMBER, source_table())
    if said is not None:
        pq.write_table(pa.Table.from_pylist(said, schema=SCHEMA), downloads.table(NUMBER))
        members = {f"{one['key']}.jpg": f"p{one['row']}".encode() for one in said if one["status"] == "success"}
        write_tar(downloads.table(NUMBER).with_suffix(".tar"), members)
    made = DownloadedShard(NUMBER, START, START + len(URLS), str(folder), False, least)
    return pickle.loads(pickle.dumps(made))


def test_every_row_comes_back_in_order_with_its_own_columns(tmp_path: Path) -> None:
    read = shard(tmp_path, SAID)
    table = read.load()
    assert table.equals(source_table())
    payloads = list(read.payloads(table))
    assert [payload.row for payload in payloads] == list(range(START, START + len(URLS)))
    assert [p.failure.reason if p.failure else p.data for p in payloads] == [
        b"p30",
        "forbidden_scheme",
        "source_missing",
        "invalid_url",
        "private_address",
        "timeout",
        b"p36",
    ]
    assert all(payload.as_downloaded for payload in payloads if payload.data)


def test_some_rows_and_the_cap_on_bytes(tmp_path: Path) -> None:
    read = shard(tmp_path, SAID)
    payloads = list(read.payloads(read.load().take([0, 6]), max_bytes=2))
    assert [(p.row, p.failure and p.failure.reason) for p in payloads] == [(30, "too_large"), (36, "too_large")]
    assert [p.data for p in read.payloads(read.load().take([6]))] == [b"p36"]


def test_a_shard_that_was_not_finished_is_one_line(tmp_path: Path) -> None:
    read = shard(tmp_path, None)
    with pytest.raises(UserError, match=r"did not finish shard 3 \(see .*log\.txt\): run the same command again"):
        list(read.payloads(read.load()))
    refused = read.load().take([1, 3, 4])
    assert all(payload.failure for payload in read.payloads(refused)), "these were never asked for"


def test_rows_that_are_not_where_the_worker_is(tmp_path: Path) -> None:
    read = shard(tmp_path, SAID)
    Downloads(tmp_path).rows(NUMBER).unlink()
    with pytest.raises(UserError, match="all workers must see"):
        read.load()


def test_downloads_of_another_list_are_refused(tmp_path: Path) -> None:
    read = shard(tmp_path, [{**SAID[0], "url": "http://a.example/other"}])
    with pytest.raises(UserError, match="downloads of another list"):
        list(read.payloads(read.load()))


def test_a_damaged_table_is_one_line(tmp_path: Path) -> None:
    read = shard(tmp_path, SAID)
    Downloads(tmp_path).table(NUMBER).write_bytes(b"PAR1 no more")
    with pytest.raises(UserError, match="cannot be read"):
        list(read.payloads(read.load()))


def test_when_all_fail_alike_the_shard_is_not_to_be_believed(tmp_path: Path) -> None:
    dead = [
        {
            "row": START + at,
            "key": "k",
            "url": url,
            "status": "failed_to_download",
            "error_message": "Connection refused",
        }
        for at, url in ((0, "http://a.example/0"), (5, "http://a.example/5"), (6, "http://a.example/6"))
    ]
    read = shard(tmp_path, dead, least=3)
    there = read.load().take([0, 5, 6])
    with pytest.raises(UserError, match="all 3 URLs failed with connect"):
        list(read.payloads(there))
    table = Downloads(tmp_path).table(NUMBER)
    assert failed_alike(table, 3)
    assert not failed_alike(table, 4)
    assert not failed_alike(table, None)
    pq.write_table(pa.Table.from_pylist([*dead[:2], SAID[0]], schema=SCHEMA), table)
    assert not failed_alike(table, 3)

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from humanverse.errors import UserError
from humanverse.sources import open_source
from humanverse.sources.img2dataset import failure_of, http_status_of
from schemas.recipe import SourceSettings
from tests.humanverse.sources.test_tars import write_tar

ROWS: list[dict[str, Any]] = [
    {"key": "000000000", "status": "success", "error_message": None},
    {"key": "000000001", "status": "failed_to_download", "error_message": "HTTP Error 404: Not Found"},
    {"key": "000000002", "status": "success", "error_message": None},
    {"key": "000000003", "status": "failed_to_resize", "error_message": "Image decoding error"},
    {"key": "../../000000004", "status": "success", "error_message": None},
    {"key": None, "status": None, "error_message": None},
]
EXPECTED = [b"p0", "http_4xx", b"p2", "corrupt", "source_missing", "source_missing"]
PICTURES = {"000000000": b"p0", "000000002": b"p2"}


def _table() -> pa.Table:
    more = [
        {"url": f"http://a/{n}", "caption": f"c{n}", "width": 256, "exif": '{"GPS": 1}', "sha256": "ab", "punsafe": 0.1}
        for n in range(len(ROWS))
    ]
    return pa.Table.from_pylist([{**said, **columns} for said, columns in zip(ROWS, more, strict=True)])


def _as_tar(folder: Path, part: int) -> None:
    pq.write_table(_table(), folder / f"{part:05}.parquet")
    members = {f"{key}.jpg": data for key, data in PICTURES.items()}
    write_tar(folder / f"{part:05}.tar", {**members, "000000000.json": b"{}", "000000000.txt": b"c0"})
    (folder / f"{part:05}_stats.json").write_text("{}")


def _as_files(folder: Path, part: int) -> None:
    pq.write_table(_table(), folder / f"{part:05}.parquet")
    (folder / f"{part:05}").mkdir()
    for key, data in PICTURES.items():
        (folder / f"{part:05}" / f"{key}.jpg").write_bytes(data)
        (folder / f"{part:05}" / f"{key}.txt").write_text("c")


def _as_column(folder: Path, part: int) -> None:
    jpg = pa.array([PICTURES.get(row["key"] or "") for row in ROWS], pa.binary())
    pq.write_table(_table().append_column("jpg", jpg), folder / f"{part:05}.parquet")


@pytest.mark.parametrize("write", [_as_tar, _as_files, _as_column])
@pytest.mark.parametrize("size", [1, 4, 100])
def test_every_row_of_the_tables_is_a_row(tmp_path: Path, write: Any, size: int) -> None:
    for part in range(2):
        write(tmp_path, part)
    source = open_source(str(tmp_path), SourceSettings())
    assert (source.kind, source.remote, source.count()) == ("img2dataset", False, 2 * len(ROWS))
    shards = [pickle.loads(pickle.dumps(shard)) for shard in source.shards(size)]
    tables = [shard.load() for shard in shards]
    assert pa.concat_tables(tables)["row"].to_pylist() == list(range(12))
    assert pa.concat_tables(tables)["url"][7].as_py() == "http://a/1"
    payloads = [p for shard, table in zip(shards, tables, strict=True) for p in shard.payloads(table)]
    assert [payload.row for payload in payloads] == list(range(12))
    expected = EXPECTED if write is not _as_column else [*EXPECTED[:4], "empty", "source_missing"]
    assert [p.failure.reason if p.failure else p.data for p in payloads] == expected * 2
    assert payloads[1].http_status == 404


def test_only_what_it_did_not_measure_is_certainly_as_downloaded(tmp_path: Path) -> None:
    _as_tar(tmp_path, 0)
    table = pq.read_table(tmp_path / "00000.parquet")
    widths = pa.array([None, None, 256, None, None, None], pa.int64())
    for name in ("width", "nothing"):
        place = table.schema.get_field_index("width")
        pq.write_table(table.set_column(place, name, widths), tmp_path / "00000.parquet")
        (shard,) = open_source(str(tmp_path), SourceSettings()).shards(100)
        said = {p.row: p.as_downloaded for p in shard.payloads(shard.load()) if p.data}
        assert said == {0: name == "width", 2: False}


def test_columns_that_pass_and_those_that_must_not(tmp_path: Path) -> None:
    _as_tar(tmp_path, 0)
    source = open_source(str(tmp_path), SourceSettings())
    assert [field.name for field in source.extra_fields] == ["key", "source_width", "source_sha256", "punsafe"]


def test_payloads_of_some_rows(tmp_path: Path) -> None:
    _as_tar(tmp_path, 0)
    (shard,) = open_source(str(tmp_path), SourceSettings()).shards(10)
    payloads = list(shard.payloads(shard.load().take([1, 2])))
    assert [(p.row, p.data) for p in payloads] == [(1, None), (2, b"p2")]


@pytest.mark.parametrize("harm", ["missing", "damaged"])
def test_a_bad_tar_costs_its_own_rows(tmp_path: Path, harm: str) -> None:
    for part in range(2):
        _as_tar(tmp_path, part)
    (tmp_path / "00001.tar").unlink()
    if harm == "damaged":
        (tmp_path / "00001.tar").write_bytes(b"garbage" * 1_000)
    (shard,) = open_source(str(tmp_path), SourceSettings()).shards(100)
    payloads = list(shard.payloads(shard.load()))
    assert [p.data for p in payloads if p.data] == [b"p0", b"p2"]
    assert [p.failure.reason for p in payloads[6:] if p.failure] == [
        "source_missing",
        "http_4xx",
        "source_missing",
        "corrupt",
        "source_missing",
        "source_missing",
    ]


def test_memory_filesystem(tmp_path: Path) -> None:
    _as_tar(tmp_path, 0)
    fs = fsspec.filesystem("memory")
    for path in tmp_path.iterdir():
        fs.pipe_file(f"/i2d/{path.name}", path.read_bytes())
    source = open_source("memory://i2d", SourceSettings())
    (shard,) = source.shards(100)
    assert [p.data for p in shard.payloads(shard.load()) if p.data] == [b"p0", b"p2"]


def test_tables_alone_are_urls_to_fetch_and_cannot_be_read_as_pictures(tmp_path: Path) -> None:
    pq.write_table(_table(), tmp_path / "00000.parquet")
    source = open_source(str(tmp_path), SourceSettings())
    assert (source.kind, source.remote) == ("table", True)
    assert "status" in {field.name for field in source.extra_fields}
    with pytest.raises(UserError, match="no pictures beside it"):
        open_source(str(tmp_path), SourceSettings(kind="img2dataset"))


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("HTTP Error 404: Not Found", "http_4xx"),
        ("HTTP Error 429: Too Many Requests", "http_429"),
        ("HTTP Error 503: Service Unavailable", "http_5xx"),
        ("HTTP Error 304: Not Modified", "http_other"),
        ("HTTP Error 302: The HTTP server returned a redirect error that would lead to an infinite loop.", "redirects"),
        ("<urlopen error [Errno -2] Name or service not known>", "dns"),
        ("<urlopen error [Errno -3] Temporary failure in name resolution>", "dns"),
        ("<urlopen error [Errno -5] No address associated with hostname>", "dns"),
        ("<urlopen error [Errno 111] Connection refused>", "connect"),
        ("[Errno 104] Connection reset by peer", "connect"),
        ("Remote end closed connection without response", "connect"),
        ("<urlopen error [Errno 113] No route to host>", "connect"),
        ("<urlopen error timed out>", "timeout"),
        ("The read operation timed out", "timeout"),
        ("<urlopen error [Errno 110] Connection timed out>", "timeout"),
        ("<urlopen error [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed (_ssl.c:1129)>", "tls"),
        ("<urlopen error [SSL: TLSV1_ALERT_INTERNAL_ERROR] tlsv1 alert internal error>", "tls"),
        ("IncompleteRead(4096 bytes read, 9000 more expected)", "truncated"),
        ("unknown url type: ''", "invalid_url"),
        ("<urlopen error unknown url type: ftps>", "forbidden_scheme"),
        ("<urlopen error no host given>", "invalid_url"),
        ("URL can't contain control characters. '/a b' (found at least ' ')", "invalid_url"),
        ("Use of image disallowed by X-Robots-Tag directive", "opt_out"),
        ("something new", "protocol"),
        (None, "protocol"),
    ],
)
def test_messages_of_failed_downloads(message: str | None, reason: str) -> None:
    failure = failure_of("failed_to_download", message)
    assert failure.reason == reason
    assert failure.detail


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("image too small", "too_small"),
        ("Image decoding error", "corrupt"),
        ("aspect ratio too large", "source_missing"),
    ],
)
def test_messages_of_failed_resizes(message: str, reason: str) -> None:
    assert failure_of("failed_to_resize", message).reason == reason


def test_http_status() -> None:
    assert http_status_of("HTTP Error 410: Gone") == 410
    assert http_status_of("timed out") is None
    assert http_status_of(None) is None

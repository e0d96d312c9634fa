"""Sources in a real object store: SeaweedFS, which checks credentials and answers as S3 does."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from humanverse.errors import UserError
from humanverse.sources import open_source
from schemas.recipe import SourceSettings
from tests.bucket import KEY, SECRET, s3_server
from tests.humanverse.sources.test_tars import write_tar


@pytest.fixture(scope="module")
def options() -> Iterator[dict[str, Any]]:
    """fsspec's options for a running store."""
    with s3_server() as endpoint:
        yield {"endpoint_url": endpoint, "key": KEY, "secret": SECRET, "use_listings_cache": False}


@pytest.fixture(scope="module")
def bucket(options: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> str:
    import s3fs

    fs = s3fs.S3FileSystem(**options)
    fs.mkdir("lists")
    folder = tmp_path_factory.mktemp("lists")
    for part in range(2):
        urls = [f"http://h/{part}/{n}.jpg" for n in range(2_000)]
        pq.write_table(pa.table({"URL": urls, "TEXT": urls}), folder / f"{part}.parquet", row_group_size=700)
        fs.put_file(str(folder / f"{part}.parquet"), f"lists/laion/{part}.parquet")
        write_tar(folder / f"{part}.tar", {f"{part}{n}.jpg": b"picture %d" % n for n in range(5)})
        fs.put_file(str(folder / f"{part}.tar"), f"lists/tars/{part}.tar")
    fs.pipe_file("lists/pics/sub/a.jpg", b"picture a")
    fs.pipe_file("lists/pics/sub/a.txt", b"caption a")
    fs.pipe_file("lists/urls.txt", b"http://h/1\nhttp://h/2\n")
    return "s3://lists"


def _load(spec: str | list[str], options: dict[str, Any], size: int) -> pa.Table:
    source = open_source(spec, SourceSettings(), options)
    return pa.concat_tables([pickle.loads(pickle.dumps(shard)).load() for shard in source.shards(size)])


@pytest.mark.parametrize("spec", ["/laion", "/laion/*.parquet"])
def test_parquet(bucket: str, options: dict[str, Any], spec: str) -> None:
    rows = _load(bucket + spec, options, 900)
    assert rows["url"].to_pylist() == [f"http://h/{part}/{n}.jpg" for part in range(2) for n in range(2_000)]


def test_text(bucket: str, options: dict[str, Any]) -> None:
    assert _load(f"{bucket}/urls.txt", options, 1)["url"].to_pylist() == ["http://h/1", "http://h/2"]


@pytest.mark.parametrize(
    ("folder", "kind", "first", "data"),
    [
        ("tars", "webdataset", "s3://lists/tars/0.tar#00.jpg", [b"picture %d" % n for n in range(5)] * 2),
        ("pics", "folder", "s3://lists/pics/sub/a.jpg", [b"picture a"]),
    ],
)
def test_pictures(bucket: str, options: dict[str, Any], folder: str, kind: str, first: str, data: list[bytes]) -> None:
    source = open_source(f"{bucket}/{folder}", SourceSettings(), options)
    assert source.kind == kind
    (shard,) = source.shards(100)
    table = shard.load()
    assert table["url"][0].as_py() == first
    assert [payload.data for payload in shard.payloads(table)] == data


def test_no_secret_stands_in_the_identity(bucket: str, options: dict[str, Any]) -> None:
    identity = open_source(f"{bucket}/laion", SourceSettings(), options).identity()
    assert "secret" not in json.dumps(identity)
    assert identity["rows"] == 4_000


@pytest.mark.parametrize(
    ("spec", "changed", "says"),
    [
        ("s3://lists/nothing.txt", {}, "it is not there"),
        ("s3://lists/laion/*.csv", {}, "nothing matches it"),
        ("s3://lists/urls.txt", {"secret": "wrong"}, "access is denied"),
    ],
)
def test_what_goes_wrong_is_one_line(
    bucket: str, options: dict[str, Any], spec: str, changed: dict[str, str], says: str
) -> None:
    with pytest.raises(UserError, match=says) as caught:
        open_source(spec, SourceSettings(), {**options, **changed})
    assert "\n" not in str(caught.value)

from __future__ import annotations

import io
import json
import pickle
import tarfile
from pathlib import Path
from random import Random

import fsspec
import pytest
import webdataset

from humanverse.errors import UserError
from humanverse.sources.storage import SourceFile, find
from humanverse.sources.tars import WebDatasetSource, tar_samples


def write_tar(path: Path, members: dict[str, bytes], tar_format: int = tarfile.PAX_FORMAT) -> Path:
    with tarfile.open(path, "w", format=tar_format) as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def _files(*specs: Path) -> list[SourceFile]:
    return [place.file for place in find([str(spec) for spec in specs]) if place.file]


def _source(*paths: Path) -> WebDatasetSource:
    return WebDatasetSource(_files(*paths))


@pytest.fixture
def tars(tmp_path: Path) -> list[Path]:
    """Two tars with three samples each."""
    paths = []
    for part in range(2):
        members = {}
        for number in range(part * 3, part * 3 + 3):
            members[f"{number:04}.jpg"] = b"picture %d" % number
            members[f"{number:04}.txt"] = b"caption %d\n" % number
            members[f"{number:04}.json"] = json.dumps(
                {"url": f"http://a/{number}", "WIDTH": 640, "exif": "{}", "secret": 1, "punsafe": 0.5}
            ).encode()
        paths.append(write_tar(tmp_path / f"{part}.tar", members))
    return paths


@pytest.mark.parametrize("size", [1, 2, 4, 100])
def test_rows_captions_and_known_metadata(tars: list[Path], size: int) -> None:
    source = _source(*tars)
    shards = [pickle.loads(pickle.dumps(shard)) for shard in source.shards(size)]
    rows = [row for shard in shards for row in shard.load().to_pylist()]
    assert source.count() == 6
    assert rows[4] == {
        "row": 4,
        "url": f"{tars[1]}#0004.jpg",
        "caption": "caption 4",
        "source_url": "http://a/4",
        "source_width": 640,
        "punsafe": 0.5,
    }
    assert [row["row"] for row in rows] == list(range(6))
    payloads = [payload for shard in shards for payload in shard.payloads(shard.load())]
    assert [(payload.row, payload.data) for payload in payloads] == [(n, b"picture %d" % n) for n in range(6)]


def test_a_shard_stays_small_after_it_was_used(tars: list[Path]) -> None:
    (shard,) = _source(*tars).shards(6)
    before = len(pickle.dumps(shard))
    shard.load()
    assert len(pickle.dumps(shard)) == before


def test_payloads_of_some_rows(tars: list[Path]) -> None:
    (shard,) = _source(*tars).shards(6)
    table = shard.load().take([1, 3, 5])
    assert [p.data for p in shard.payloads(table)] == [b"picture 1", b"picture 3", b"picture 5"]


def test_what_the_webdataset_package_wrote(tmp_path: Path) -> None:
    with webdataset.TarWriter(str(tmp_path / "w.tar")) as writer:
        for number in range(3):
            writer.write({"__key__": f"dir.x/s{number}", "jpg": b"p%d" % number, "json": {"caption": f"c{number}"}})
    (shard,) = _source(tmp_path / "w.tar").shards(5)
    table = shard.load()
    assert table["caption"].to_pylist() == ["c0", "c1", "c2"]
    assert [p.data for p in shard.payloads(table)] == [b"p0", b"p1", b"p2"]


def test_what_counts_as_a_row(tmp_path: Path) -> None:
    members = {
        "README": b"no suffix",
        "a.JPG": b"a",
        "a.mask.png": b"second picture of a",
        "b.txt": b"a caption without its picture",
        "c.npy": b"unknown alone",
        ".hidden.jpg": b"hidden",
        "d.jpg": b"",
        "e.jpg": b"x" * 11,
        "f.json": b"{broken",
        "f.png": b"f",
    }
    (shard,) = _source(write_tar(tmp_path / "t.tar", members)).shards(10)
    table = shard.load()
    assert [url.rpartition("#")[2] for url in table["url"].to_pylist()] == ["a.JPG", "b", "d.jpg", "e.jpg", "f.png"]
    payloads = list(shard.payloads(table, max_bytes=10))
    reasons = [payload.failure.reason if payload.failure else payload.data for payload in payloads]
    assert reasons == [b"a", "source_missing", "empty", "too_large", b"f"]


@pytest.mark.parametrize("tar_format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_names_are_labels_only(tmp_path: Path, tar_format: int) -> None:
    names = ["../../etc/x.jpg", "/abs/y.jpg", "long/" * 18 + "z.jpg"]
    path = write_tar(tmp_path / "t.tar", {name: name.encode() for name in names}, tar_format)
    (shard,) = _source(path).shards(10)
    assert [p.data for p in shard.payloads(shard.load())] == [name.encode() for name in names]


def test_links_and_devices_are_no_pictures(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "t.tar", "w") as tar:
        for name, kind in (("a.jpg", tarfile.SYMTYPE), ("b.jpg", tarfile.LNKTYPE), ("c.jpg", tarfile.CHRTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            tar.addfile(info)
    assert _source(tmp_path / "t.tar").count() == 0


def test_a_tar_that_ends_early_keeps_the_rows_before(tars: list[Path]) -> None:
    data = tars[0].read_bytes()
    with tarfile.open(tars[0]) as tar:
        inside = tar.getmember("0002.jpg").offset_data + 4
    tars[0].write_bytes(data[:inside])
    (shard,) = _source(tars[0]).shards(10)
    payloads = list(shard.payloads(shard.load()))
    assert [p.data for p in payloads] == [b"picture 0", b"picture 1", None]
    assert payloads[2].failure is not None
    assert payloads[2].failure.reason == "truncated"


@pytest.mark.parametrize("where", [0, 1_024])
def test_a_damaged_tar_is_named(tars: list[Path], where: int) -> None:
    data = bytearray(tars[0].read_bytes())
    data[where : where + 512] = b"garbage!" * 64
    tars[0].write_bytes(data)
    with pytest.raises(UserError, match=r"0\.tar: the tar is damaged"):
        _source(*tars)


def test_damage_anywhere_is_the_users_error_or_costs_rows(tmp_path: Path) -> None:
    members = {**{f"{n}.jpg": b"x" * 100 for n in range(3)}, "long/" * 40 + "\u00e9.json": b"{}"}
    path = write_tar(tmp_path / "t.tar", members)
    whole, random = path.read_bytes()[:6_000], Random(1)
    errors = 0
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(random.choice([1, 2, 5])):
            data[random.randrange(len(data))] = random.randrange(256)
        path.write_bytes(data)
        try:
            for shard in _source(path).shards(2):
                assert len(list(shard.payloads(shard.load()))) == len(shard)
        except UserError:
            errors += 1
    assert 0 < errors < 300


def test_an_empty_file_is_no_tar(tmp_path: Path) -> None:
    (tmp_path / "e.tar").write_bytes(b"")
    with pytest.raises(UserError, match=r"e\.tar: the tar is damaged"):
        _source(tmp_path / "e.tar")


def test_a_tar_that_changed_after_counting_is_an_error(tars: list[Path]) -> None:
    (shard,) = _source(tars[0]).shards(10)
    write_tar(tars[0], {"0000.jpg": b"x"})
    with pytest.raises(UserError, match="changed since"):
        shard.load()


def test_memory_filesystem(tars: list[Path]) -> None:
    fsspec.filesystem("memory").pipe_file("/t/0.tar", tars[0].read_bytes())
    (place,) = find(["memory://t/0.tar"])
    assert place.file is not None
    source = WebDatasetSource([place.file])
    (shard,) = source.shards(10)
    assert shard.load()["url"][0].as_py() == "memory:///t/0.tar#0000.jpg"
    assert [p.data for p in shard.payloads(shard.load())] == [b"picture %d" % n for n in range(3)]
    assert source.identity() == {"kind": "webdataset", "rows": 3, "files": [["0.tar", tars[0].stat().st_size]]}


def test_headers_are_not_kept(tars: list[Path]) -> None:
    (file,) = _files(tars[0])
    with file.open() as stream:
        assert [sample.key for sample in tar_samples(stream, file)] == ["0000", "0001", "0002"]

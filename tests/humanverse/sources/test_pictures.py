from __future__ import annotations

import pickle
from pathlib import Path

import fsspec
import pytest

from humanverse.sources.pictures import FolderSource, is_image_name
from humanverse.sources.storage import find


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Five pictures; two have captions."""
    for name, data in {
        "b.jpg": b"picture b",
        "b.txt": "\ufeff a caption\n".encode(),
        "a.b.PNG": b"picture a.b",
        "a.b.txt": b"caf\xe9",
        "b.json": b"{}",
        "notes.md": b"x",
        "sub/c.webp": b"",
        "sub/d.jpg": b"x" * 101,
        "sub/e.tiff": b"picture e",
        "sub/e.txt": b"  \n",
        ".thumbs/f.jpg": b"hidden",
    }.items():
        path = tmp_path / "pics" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return tmp_path / "pics"


NAMES = ["a.b.PNG", "b.jpg", "sub/c.webp", "sub/d.jpg", "sub/e.tiff"]


@pytest.mark.parametrize("size", [2, 100])
def test_rows_are_the_pictures_in_order_with_captions_beside(folder: Path, size: int) -> None:
    source = FolderSource(find([str(folder)]))
    rows = [row for shard in source.shards(size) for row in shard.load().to_pylist()]
    assert source.count() == 5
    assert [row["row"] for row in rows] == list(range(5))
    assert [row["url"] for row in rows] == [str(folder / name) for name in NAMES]
    assert [row["caption"] for row in rows] == ["caf\ufffd", "a caption", None, None, None]


def test_payloads_and_why_there_is_none(folder: Path) -> None:
    shard = pickle.loads(pickle.dumps(next(iter(FolderSource(find([str(folder)])).shards(10)))))
    table = shard.load()
    (folder / "sub" / "e.tiff").unlink()
    payloads = list(shard.payloads(table, max_bytes=100))
    assert [payload.row for payload in payloads] == list(range(5))
    assert [payload.data for payload in payloads] == [b"picture a.b", b"picture b", None, None, None]
    assert [p.failure.reason for p in payloads if p.failure] == ["empty", "too_large", "source_missing"]


def test_payloads_of_some_rows(folder: Path) -> None:
    shard = next(iter(FolderSource(find([str(folder)])).shards(2)))
    assert [(p.row, p.data) for p in shard.payloads(shard.load().slice(1))] == [(1, b"picture b")]


def test_skipped_shards_do_not_move_the_others(folder: Path) -> None:
    source = FolderSource(find([str(folder)]))
    (kept,) = source.shards(2, skip={0, 2})
    assert kept.load()["row"].to_pylist() == [2, 3]


def test_pictures_named_one_by_one_keep_their_captions(folder: Path) -> None:
    source = FolderSource(find([str(folder / "*.jpg"), str(folder / "sub")]))
    rows = next(iter(source.shards(10))).load()
    assert rows["caption"].to_pylist() == ["a caption", None, None, None]


def test_identity_follows_names_and_sizes_not_the_place(folder: Path, tmp_path: Path) -> None:
    before = FolderSource(find([str(folder)])).identity()
    moved = folder.rename(tmp_path / "elsewhere")
    assert FolderSource(find([str(moved)])).identity() == before
    (moved / "b.jpg").write_bytes(b"another size")
    assert FolderSource(find([str(moved)])).identity() != before
    assert (before["kind"], before["rows"]) == ("folder", 5)


def test_a_bucket_is_read_in_order() -> None:
    fs = fsspec.filesystem("memory")
    for number in range(40):
        fs.pipe_file(f"/album/{number:02}.jpg", b"picture %d" % number)
        fs.pipe_file(f"/album/{number:02}.txt", b"caption %d" % number)
    (shard,) = FolderSource(find(["memory://album"])).shards(100)
    table = shard.load()
    assert table["url"][0].as_py() == "memory:///album/00.jpg"
    assert table["caption"].to_pylist() == [f"caption {n}" for n in range(40)]
    assert [p.data for p in shard.payloads(table)] == [b"picture %d" % n for n in range(40)]


def test_a_name_that_is_not_utf8(tmp_path: Path) -> None:
    (tmp_path / "plain.jpg").write_bytes(b"x")
    odd = bytes(tmp_path) + b"/\xff.jpg"
    try:
        with open(odd, "wb") as out:  # noqa: PTH123
            out.write(b"odd")
    except OSError:
        pytest.skip("this filesystem takes UTF-8 names only")
    source = FolderSource(find([str(tmp_path)]))
    (shard,) = source.shards(5)
    assert source.identity()["rows"] == 2
    assert [p.data for p in shard.payloads(shard.load())] == [b"x", b"odd"]


@pytest.mark.parametrize(("name", "is_picture"), [("a.JPEG", True), ("a.avif", True), ("a.svg", False), ("jpg", False)])
def test_names_of_pictures(name: str, is_picture: bool) -> None:
    assert is_image_name(name) is is_picture

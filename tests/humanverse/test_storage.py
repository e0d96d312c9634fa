"""Files appear whole or not at all, in a folder and in a bucket."""

from __future__ import annotations

import errno
import pickle
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from humanverse.storage import StorageError, Store


@pytest.fixture(params=["folder", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "folder":
        yield Store(tmp_path / "data")
        return
    yield Store(f"memory://test{tmp_path}")
    fsspec.filesystem("memory").store.clear()


def test_what_is_written_is_read_back_whole_and_by_range(store: Store) -> None:
    store.write("a/b.bin", b"0123456789")
    assert store.read("a/b.bin") == b"0123456789"
    assert store.read_range("a/b.bin", 3, 4) == b"3456"
    assert store.size("a/b.bin") == 10
    assert store.names("a") == ["b.bin"]
    assert store.names("nowhere") == []
    assert list(store.walk()) == [("a/b.bin", 10)]


def test_a_file_that_is_not_finished_never_has_its_name(store: Store) -> None:
    with pytest.raises(RuntimeError), store.writing("a/b.bin") as scratch:
        scratch.write_bytes(b"half")
        raise RuntimeError("killed")
    assert not store.exists("a/b.bin")
    assert list(store.walk()) == []


def test_replacing_is_at_once(store: Store) -> None:
    store.write("x", b"old")
    with store.writing("x") as scratch:
        scratch.write_bytes(b"new")
        assert store.read("x") == b"old"
    assert store.read("x") == b"new"


def test_a_missing_file_is_file_not_found(store: Store) -> None:
    with pytest.raises(FileNotFoundError):
        store.read("none")


def test_a_copy_in_another_process_sees_the_same_place(store: Store) -> None:
    store.write("x", b"1")
    assert pickle.loads(pickle.dumps(store)).read("x") == b"1"


def test_a_full_disk_is_one_line_that_says_so(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with pytest.raises(StorageError, match="no space left while writing a; free some"), store.writing("a"):
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(StorageError) as caught:
        Store(tmp_path / "file").write("a", b"1")
    assert "\n" not in str(caught.value)
    assert "a file stands where a folder is needed" in str(caught.value)


def test_an_unknown_scheme_is_one_line() -> None:
    with pytest.raises(StorageError, match="floppy"):
        Store("floppy://disk/a")


def test_a_file_is_read_piece_by_piece(store: Store) -> None:
    store.write("a/b.bin", b"0123456789")
    with store.reading("a/b.bin") as file:
        assert file.read(2) == b"01"
        file.seek(7)
        assert file.read() == b"789"
    with pytest.raises(FileNotFoundError), store.reading("a/none"):
        pass


def test_walking_goes_through_all_folders_by_path_and_leaves_temporary_files_out(store: Store) -> None:
    paths = ["a.txt", "a/c.bin", "a/b/d.bin", "a-b", "z"]
    for path in paths:
        store.write(path, path.encode())
    if store.local:
        Path(store.full(".tmp")).mkdir(exist_ok=True)
        Path(store.full(".tmp/half")).write_bytes(b"1")
    assert list(store.walk()) == [(path, len(path)) for path in sorted(paths)]
    assert store.names("") == sorted(["a", "a-b", "a.txt", "z", *([".tmp"] if store.local else [])])
    assert list(Store(store.full("nowhere")).walk() if store.local else ()) == []

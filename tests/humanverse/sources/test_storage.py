from __future__ import annotations

import pickle
import sys
from pathlib import Path

import fsspec
import pytest

from humanverse.errors import UserError
from humanverse.sources.storage import SourceFile, find, in_order, list_folder, storage_errors, walk


def _touch(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * len(name))


def test_a_walk_is_sorted_and_passes_over_hidden_names(tmp_path: Path) -> None:
    _touch(tmp_path, "b.txt", "a.txt", ".hidden", "_SUCCESS", "d/2.txt", "d/1.txt", "c/x.txt", ".git/y.txt")
    listings = list(walk(fsspec.filesystem("file"), str(tmp_path)))
    names = [[file.name for file in listed.files] for listed in listings]
    assert names == [["a.txt", "b.txt"], ["x.txt"], ["1.txt", "2.txt"]]
    assert listings[0].files[0].size == len("a.txt")


def test_a_link_that_leads_back_does_not_make_a_walk_endless(tmp_path: Path) -> None:
    _touch(tmp_path, "d/1.txt")
    (tmp_path / "d" / "loop").symlink_to(tmp_path)
    assert sum(len(listed.files) for listed in walk(fsspec.filesystem("file"), str(tmp_path))) == 1


def test_find_sorts_and_names_each_place_once(tmp_path: Path) -> None:
    _touch(tmp_path, "b.txt", "a.txt")
    specs = [str(tmp_path / "b.txt"), str(tmp_path / "*.txt"), str(tmp_path / "a.txt")]
    assert [place.path for place in find(specs)] == [str(tmp_path / "a.txt"), str(tmp_path / "b.txt")]


def test_a_name_with_brackets_is_a_name_where_it_exists(tmp_path: Path) -> None:
    _touch(tmp_path, "list[1].txt")
    assert find([str(tmp_path / "list[1].txt")])[0].path.endswith("list[1].txt")


def test_memory_filesystem(tmp_path: Path) -> None:
    fs = fsspec.filesystem("memory")
    fs.pipe_file("/walked/a/1.txt", b"1")
    fs.pipe_file("/walked/2.txt", b"22")
    (place,) = find(["memory://walked"])
    files = [file for listed in place.listings() for file in listed.files]
    assert [(file.url, file.size) for file in files] == [("memory:///walked/2.txt", 2), ("memory:///walked/a/1.txt", 1)]
    assert list_folder(fs, "/walked").folders == ["/walked/a"]


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("/nowhere/at-all.txt", "it is not there"),
        ("/nowhere/*.txt", "nothing matches"),
        ("memory://nowhere.txt", "it is not there"),
        ("nosuchprotocol://x.txt", "nosuchprotocol"),
    ],
)
def test_what_is_not_there_is_one_line(spec: str, says: str) -> None:
    with pytest.raises(UserError, match=says) as caught:
        find([spec])
    assert "\n" not in str(caught.value)
    assert spec in str(caught.value)


def test_an_empty_list_is_an_error() -> None:
    with pytest.raises(UserError, match="empty list"):
        find([])


def test_a_missing_s3fs_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)
    monkeypatch.delitem(sys.modules["fsspec.registry"]._registry, "s3", raising=False)
    with pytest.raises(UserError, match=r"pip install 'humanverse\[s3\]'"):
        find(["s3://bucket/list.parquet"])


def test_a_bucket_without_credentials_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("s3fs")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    options = {"endpoint_url": "http://127.0.0.1:9", "skip_instance_cache": True}
    with pytest.raises(UserError, match="no credentials"):
        find(["s3://bucket/list.parquet"], options)


def test_an_unreachable_bucket_says_so() -> None:
    pytest.importorskip("s3fs")
    options = {
        "endpoint_url": "http://127.0.0.1:9",
        "key": "a",
        "secret": "b",
        "config_kwargs": {"retries": {"max_attempts": 0}, "connect_timeout": 1},
        "skip_instance_cache": True,
    }
    with pytest.raises(UserError, match="cannot be reached") as caught:
        find(["s3://bucket/list.parquet"], options)
    assert "secret" not in str(caught.value)


def test_denied_access_is_told_from_a_missing_file() -> None:
    with pytest.raises(UserError, match="access is denied"), storage_errors("s3://b/x"):
        raise PermissionError("403")


def test_a_mistake_of_our_own_is_not_dressed_up_as_the_users() -> None:
    with pytest.raises(KeyError), storage_errors("x"):
        raise KeyError("bug")


def test_files_pickle_and_know_their_siblings(tmp_path: Path) -> None:
    _touch(tmp_path, "00000.parquet")
    file = find([str(tmp_path / "00000.parquet")])[0].file
    assert file is not None
    again: SourceFile = pickle.loads(pickle.dumps(file))
    with again.open() as stream:
        assert stream.read() == b"x" * len("00000.parquet")
    assert again.sibling(".tar").path == str(tmp_path / "00000.tar")


def test_in_order_keeps_order_and_bounds_what_is_begun() -> None:
    begun: list[int] = []

    def task(item: int) -> int:
        begun.append(item)
        return item * item

    results = in_order(task, range(1_000), threads=4)
    assert [next(results) for _ in range(3)] == [0, 1, 4]
    assert len(begun) <= 8
    results.close()  # type: ignore[attr-defined]
    assert list(in_order(task, range(50), threads=4)) == [n * n for n in range(50)]

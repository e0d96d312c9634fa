"""Block-lists in a dataset: keys and history; what verify says of them."""

from __future__ import annotations

import json
import pickle
import shutil
from pathlib import Path

import pytest

import humanverse
from humanverse.dataset import blocklists, layout
from humanverse.dataset.verify import verify
from humanverse.errors import DatasetError
from humanverse.storage import Store
from schemas.recipe import BlockSettings
from tests.datasets import make_dataset


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return make_dataset(tmp_path / "d", shards=1, per_shard=1)


@pytest.fixture
def settings(tmp_path: Path) -> BlockSettings:
    (tmp_path / "domains.txt").write_text("a.example\n")
    (tmp_path / "urls.txt").write_text("http://b.example/1.jpg\n")
    return BlockSettings(urls=(str(tmp_path / "urls.txt"),), domains=(str(tmp_path / "domains.txt"),), phash_distance=2)


def put(store: Store, settings: BlockSettings) -> blocklists.InForce:
    lists = blocklists.obtain(store, settings)
    blocklists.publish(store, lists, settings.phash_distance)
    return blocklists.in_force(store, lists, settings.phash_distance)


def found(store: Store) -> list[tuple[str, str, str]]:
    return [(item.level, item.path, item.message) for item in verify(humanverse.open(store.url)).findings]


def test_workers_have_the_lists_without_the_user_s_files(store: Store, settings: BlockSettings, tmp_path: Path) -> None:
    travelled = pickle.dumps(put(store, settings))
    (tmp_path / "domains.txt").unlink()
    loaded = pickle.loads(travelled).load()
    assert loaded.text("http://www.a.example/") == "domain a.example (domains.txt)"
    assert loaded.text("http://b.example/1.jpg") == "URL http://b.example/1.jpg (urls.txt)"
    assert len(travelled) < 1000
    assert found(store) == []


def test_entries_do_not_stand_in_the_dataset(store: Store, settings: BlockSettings) -> None:
    put(store, settings)
    for path, _ in store.walk():
        assert b"a.example" not in store.read(path) or path.startswith(("images", "ledger")), path


def test_the_history_grows_only_when_something_changed(store: Store, settings: BlockSettings, tmp_path: Path) -> None:
    for _ in range(2):
        put(store, settings)
    (tmp_path / "domains.txt").write_text("a.example\nc.example\n")
    for _ in range(2):
        put(store, settings)
    put(store, settings.model_copy(update={"phash_distance": 3}))
    put(store, BlockSettings(phash_distance=3))
    past = blocklists.history(store)
    assert [[(one["kind"], one["entries"]) for one in item["lists"]] for item in past] == [
        [("urls", 1), ("domains", 1)],
        [("urls", 1), ("domains", 2)],
        [("urls", 1), ("domains", 2)],
        [],
    ]
    assert [item["phash_distance"] for item in past] == [2, 2, 3, 3]
    assert past[0]["lists"][1]["path"] == str(tmp_path / "domains.txt")
    assert len(store.names(layout.BLOCKLISTS)) == 3
    assert found(store) == []


def test_without_lists_nothing_is_written(store: Store) -> None:
    assert put(store, BlockSettings()).load().text("http://a.example/") is None
    assert store.names(layout.BLOCKLISTS) == []
    assert not store.exists(layout.BLOCKLIST_HISTORY)


def test_a_compiled_list_is_not_parsed_again(store: Store, settings: BlockSettings) -> None:
    assert [one.fresh for one in blocklists.obtain(store, settings)] == [True, True]
    put(store, settings)
    assert [one.fresh for one in blocklists.obtain(store, settings)] == [False, False]


def test_a_damaged_list_is_named_and_mended_by_the_next_run(store: Store, settings: BlockSettings) -> None:
    held = put(store, settings)
    path = layout.blocklist(*(held.lists[1][0], held.lists[1][2]))
    for damage in (b"PAR1 no more", None):
        if damage is None:
            Path(store.full(path)).unlink()
        else:
            store.write(path, damage)
        with pytest.raises(DatasetError, match="run the same command again"):
            held.load()
        assert [item[:2] for item in found(store)] == [("problem", path)]
        assert put(store, settings).load().text("http://a.example/")
        assert found(store) == []


def test_verify_compares_with_the_history(store: Store, settings: BlockSettings) -> None:
    held = put(store, settings)
    first, second = (layout.blocklist(kind, sha256) for kind, _, sha256 in held.lists)
    shutil.copyfile(store.full(first), store.full(f"{layout.BLOCKLISTS}/other.parquet"))
    assert found(store) == [("note", f"{layout.BLOCKLISTS}/other.parquet", "does not belong to the dataset")]
    Path(store.full(f"{layout.BLOCKLISTS}/other.parquet")).unlink()
    past = json.loads(store.read(layout.BLOCKLIST_HISTORY))
    past["history"][-1]["lists"][1]["entries"] = 7
    store.write(layout.BLOCKLIST_HISTORY, json.dumps(past).encode())
    assert found(store) == [("problem", second, "has 1 entry and not the 7 that were compiled")]


@pytest.mark.parametrize("content", [b"{}", b"no json", b'{"history": [{"time": "x"}]}', b'{"history": 3}', b"[]"])
def test_a_damaged_history(store: Store, content: bytes) -> None:
    store.write(layout.BLOCKLIST_HISTORY, content)
    assert found(store) == [("problem", layout.BLOCKLIST_HISTORY, "is damaged")]
    with pytest.raises(DatasetError):
        blocklists.history(store)

"""A dataset is started once; going on with another recipe, source or model is refused with what differs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import humanverse
from humanverse.dataset import create, layout
from humanverse.errors import DatasetError
from humanverse.storage import Store
from schemas import recipe
from tests.humanverse.dataset.stores import DyingStore, Killed

SOURCE = {"kind": "table", "rows": 10, "shard_size": 5, "files": ["a.parquet"]}
CARD: dict[str, Any] = {"model": "m", "settings": {"floor": 0.1}, "licence": "MIT", "fingerprint": "ab"}


def made(path: Path) -> Store:
    store = Store(path)
    assert create.create_or_continue(store, recipe.load(), SOURCE) is False
    return store


def one_line(error: pytest.ExceptionInfo[DatasetError]) -> str:
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_new_dataset_can_be_opened_and_knows_its_recipe_and_source(tmp_path: Path) -> None:
    made(tmp_path / "d")
    dataset = humanverse.open(str(tmp_path / "d"))
    assert dataset.recipe == recipe.load()
    assert dataset.source == SOURCE
    assert (dataset.planned_shards, dataset.shards(), dataset.layers()) == (2, [], [])


def test_going_on_with_the_same_changes_nothing(tmp_path: Path) -> None:
    store = made(tmp_path / "d")
    before = {path: store.read(path) for path, _ in store.walk()}
    assert create.create_or_continue(store, recipe.load(), SOURCE) is True
    assert {path: store.read(path) for path, _ in store.walk()} == before


def test_how_fast_a_build_runs_may_change(tmp_path: Path) -> None:
    store = made(tmp_path / "d")
    faster = recipe.load(overrides={"fetch": {"concurrency": 7}, "resources": {"heartbeat_s": 3}})
    assert create.create_or_continue(store, faster, SOURCE) is True


def test_another_recipe_is_refused_with_what_differs(tmp_path: Path) -> None:
    store = made(tmp_path / "d")
    with pytest.raises(DatasetError) as error:
        create.create_or_continue(store, recipe.load(overrides={"gate": {"min_side": 300}}), SOURCE)
    assert "gate.min_side: 200 -> 300" in one_line(error)


def test_another_source_is_refused_with_what_differs(tmp_path: Path) -> None:
    store = made(tmp_path / "d")
    with pytest.raises(DatasetError) as error:
        create.create_or_continue(store, recipe.load(), SOURCE | {"rows": 11})
    assert "rows: 10 -> 11" in one_line(error)


def test_a_place_that_holds_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(DatasetError) as error:
        create.create_or_continue(Store(tmp_path), recipe.load(), SOURCE)
    assert "it holds thesis.tex" in one_line(error)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("write", range(3))
def test_a_kill_at_any_write_lets_the_next_run_start(tmp_path: Path, write: int, after: bool) -> None:
    with pytest.raises(Killed):
        create.create_or_continue(DyingStore(tmp_path / "d", write, after), recipe.load(), SOURCE)
    assert create.create_or_continue(Store(tmp_path / "d"), recipe.load(), SOURCE) is (after and write == 2)
    assert humanverse.open(str(tmp_path / "d")).source == SOURCE


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"{", "is not JSON"),
        (b"[1]", "is not a JSON object"),
        (b'{"format": 99}', "has format 99, this version reads 3: use the humanverse that wrote it"),
        (b'{"format": 1}', "has format 1, this version reads 3: it was built by an earlier version of humanverse"),
    ],
)
def test_a_marker_that_this_version_does_not_read(tmp_path: Path, content: bytes, says: str) -> None:
    made(tmp_path / "d").write(layout.MARKER, content)
    with pytest.raises(DatasetError) as error:
        humanverse.open(str(tmp_path / "d"))
    assert says in one_line(error)


def test_nothing_is_written_into_a_dataset_of_another_format(tmp_path: Path) -> None:
    store = made(tmp_path / "d")
    store.write(layout.MARKER, b'{"format": 1}')
    before = {path: store.read(path) for path, _ in store.walk()}
    with pytest.raises(DatasetError, match="build it anew in a new place") as error:
        create.create_or_continue(store, recipe.load(), SOURCE)
    one_line(error)
    assert {path: store.read(path) for path, _ in store.walk()} == before


def test_a_place_without_a_dataset(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="is not a dataset") as error:
        humanverse.open(str(tmp_path))
    one_line(error)


@pytest.mark.parametrize(
    "content", [None, b"{", b"{}", b'{"rows": "10", "shard_size": 5}', b'{"rows": 1, "shard_size": 0}']
)
def test_a_damaged_source(tmp_path: Path, content: bytes | None) -> None:
    store = made(tmp_path / "d")
    (tmp_path / "d" / layout.SOURCE).unlink()
    if content is not None:
        store.write(layout.SOURCE, content)
    with pytest.raises(DatasetError) as error:
        _ = humanverse.open(str(tmp_path / "d")).source
    assert layout.SOURCE in one_line(error)
    with pytest.raises(DatasetError):
        create.create_or_continue(store, recipe.load(), SOURCE)


@pytest.mark.parametrize("content", [b"gate: [", b"a sentence", b"\xff\xfe\x00", b""])
def test_a_damaged_recipe(tmp_path: Path, content: bytes) -> None:
    made(tmp_path / "d").write(layout.RECIPE, content)
    with pytest.raises(DatasetError) as error:
        _ = humanverse.open(str(tmp_path / "d")).recipe
    assert layout.RECIPE in one_line(error)


def test_a_layer_is_declared_once(tmp_path: Path) -> None:
    store = made(tmp_path / "d")
    create.declare_layer(store, "pose/a", CARD)
    first = store.read("layers/pose/a/layer.json")
    assert json.loads(first).items() >= CARD.items()
    assert json.loads(first).keys() - CARD.keys() == {"code", "time", "layer", "reads", "truth"}
    create.declare_layer(store, "pose/a", {**CARD, "licence": "found out later"})
    assert store.read("layers/pose/a/layer.json") == first


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"settings": {"floor": 0.2}, "fingerprint": "cd"}, "settings.floor: 0.1 -> 0.2"),
        ({"model": "n", "fingerprint": "cd"}, 'model: "m" -> "n"'),
        ({"fingerprint": "cd"}, 'fingerprint: "ab" -> "cd"'),
    ],
)
def test_a_layer_made_otherwise_is_refused_with_what_differs(tmp_path: Path, change: dict[str, Any], says: str) -> None:
    store = made(tmp_path / "d")
    create.declare_layer(store, "pose/a", CARD)
    with pytest.raises(DatasetError) as error:
        create.declare_layer(store, "pose/a", {**CARD, **change})
    assert says in one_line(error)


def test_difference_names_the_first_place() -> None:
    assert create.difference({"a": 1}, {"a": 1}) is None
    assert create.difference({"b": {"c": [1]}}, {"b": {"c": [2]}}) == "b.c: [1] -> [2]"
    assert create.difference({"a": 1}, {}) == "a: 1 -> null"
    assert len(create.difference({"a": "x" * 999}, {"a": 1}) or "") == 300

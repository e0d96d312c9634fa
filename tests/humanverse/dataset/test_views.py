"""Views and filters as files: written at once, read strictly, and every damage named by verify."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

import humanverse
from humanverse.dataset import views
from humanverse.dataset.verify import verify
from humanverse.errors import DatasetError, UserError
from humanverse.storage import Store
from schemas.filters import SCHEMA
from tests.humanverse.dataset import damage
from tests.similar import hashes, near, similar_dataset

A, B, C = hashes(3)
MADE_BY = {"command": "dedup", "distance": 4, "keep": "first"}
VIEW, CARD, TABLE = "views/mine.json", "filters/mine/000000/filter.json", "filters/mine/000000/000001.parquet"


def make_view(store: Store, left_out: dict[int, list[int]], name: str = "mine") -> str:
    """The view ``name``, whose one filter leaves source rows out (by shard), all for row 0."""
    samples = {item.columns["row"]: item for item in humanverse.open(store.url).samples()}

    def table(rows: list[int]) -> pa.Table:
        def columns(row: int) -> dict[str, object]:
            apart = (samples[row].columns["phash"] ^ samples[0].columns["phash"]).bit_count()
            return {
                "row": row,
                "uid": samples[row].uid,
                "of_shard": 0,
                "of_row": 0,
                "of_uid": samples[0].uid,
                "distance": apart,
            }

        return pa.Table.from_pylist([columns(row) for row in rows], schema=SCHEMA)

    tables = ((shard, table(rows)) for shard, rows in left_out.items())
    made = views.write_filter(store, name, tables, [0, 1], MADE_BY, {})
    views.write_view(store, name, [made])
    return made


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("views") / "d"
    shards = [
        [{"picture": 2 * n, "phash": first}, {"picture": 2 * n + 1, "phash": second}]
        for n, (first, second) in enumerate([(A, B), (near(A), near(A, 2))])
    ]
    make_view(similar_dataset(path, shards), {1: [5, 6]})
    return path


@pytest.fixture
def folder(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sound, tmp_path / "d"))


def rows(folder: Path, view: str = "mine") -> list[int]:
    return [item.columns["row"] for item in humanverse.open(str(folder)).samples(["pose"], view=view)]


def test_a_view_leaves_out_what_its_filter_says(folder: Path) -> None:
    assert rows(folder) == [0, 1]
    opened = humanverse.open(str(folder))
    assert (opened.count("mine"), len(opened), opened.views()) == (2, 4, ["mine"])
    view = opened.view("mine")
    assert [item.columns["row"] for item in opened.samples(view=view, shards=[0])] == [0, 1]
    assert view.filters[0].left_out(0).num_rows == 0
    assert verify(opened).findings == ()


def test_a_view_of_two_filters_leaves_out_what_either_does(folder: Path) -> None:
    store = Store(folder)
    views.write_view(store, "both", [make_view(store, {0: [1]}, "one"), make_view(store, {1: [6]}, "two")])
    assert rows(folder, "both") == [0, 5]


def test_a_view_of_no_filter_has_all(folder: Path) -> None:
    views.write_view(Store(folder), "all", [])
    assert rows(folder, "all") == [0, 1, 5, 6]


def test_a_filter_that_a_view_names_is_not_removed(folder: Path) -> None:
    store = Store(folder)
    for _ in range(3):
        make_view(store, {1: [6]})
    views.write_view(store, "pinned", ["mine/000001"])
    views.remove_unused(store, "mine")
    assert views.generations(store, "mine") == ["mine/000001", "mine/000002", "mine/000003"]


def test_runs_of_shards() -> None:
    assert views.spans([]) == ()
    assert views.spans([0, 1, 2, 5, 7, 8]) == ((0, 2), (5, 5), (7, 8))


@pytest.mark.parametrize("name", ["", "A", "a/b", "../a", "-a", "a.json", "a" * 65])
def test_names_that_a_view_cannot_have(folder: Path, name: str) -> None:
    with pytest.raises(UserError, match="cannot be called"):
        views.write_view(Store(folder), name, [])
    with pytest.raises(DatasetError, match="there are mine"):
        humanverse.open(str(folder)).view(name)


def test_a_later_format_is_not_misread(folder: Path) -> None:
    damage.card(folder / VIEW, format=2)
    with pytest.raises(DatasetError, match="has format 2, this version reads 1"):
        rows(folder)
    damage.card(folder / VIEW, format=1, where="width > 9")
    with pytest.raises(DatasetError, match="damaged"):
        rows(folder)


def write(path: str, content: str) -> Callable[[Path], object]:
    return lambda folder: (folder / path).write_text(content)


DAMAGE: dict[str, tuple[Callable[[Path], object], str, bool]] = {
    "view not JSON": (write(VIEW, "{"), VIEW, True),
    "view of a filter that is gone": (lambda f: damage.card(f / VIEW, exclude=["mine/000009"]), VIEW, True),
    "view of something else": (lambda f: damage.card(f / VIEW, exclude=["../../x"]), VIEW, True),
    "filter without card": (lambda f: (f / CARD).unlink(), VIEW, True),
    "card with another number": (lambda f: damage.card(f / CARD, left_out={"1": 3}), TABLE, True),
    "card with a word for a shard": (lambda f: damage.card(f / CARD, left_out={"one": 2}), VIEW, True),
    "table gone": (lambda f: (f / TABLE).unlink(), TABLE, True),
    "table flipped": (lambda f: damage.flip(f / TABLE, -20), TABLE, True),
    "table cut short": (lambda f: damage.take(f / TABLE, [0]), TABLE, True),
    "unknown row": (lambda f: damage.cell(f / TABLE, 1, row=7), TABLE, False),
    "wrong uid": (lambda f: damage.cell(f / TABLE, 0, uid="0" * 32), TABLE, False),
    "unknown row that stays": (lambda f: damage.cell(f / TABLE, 0, of_row=3), TABLE, False),
    "wrong uid that stays": (lambda f: damage.cell(f / TABLE, 0, of_uid="0" * 32), TABLE, False),
    "wrong shard that stays": (lambda f: damage.cell(f / TABLE, 0, of_shard=1), TABLE, False),
    "wrong distance": (lambda f: damage.cell(f / TABLE, 0, distance=3), TABLE, False),
    "shard that is not there": (lambda f: damage.card(f / CARD, shards=[[0, 2]]), CARD, False),
}
"""What is done to the dataset, the path that verify names, and whether reading the view fails too."""


@pytest.mark.parametrize("kind", DAMAGE)
def test_damage_is_found_and_named(folder: Path, kind: str) -> None:
    spoil, path, unreadable = DAMAGE[kind]
    spoil(folder)
    report = verify(humanverse.open(str(folder)))
    assert [finding.path for finding in report.problems] == [path]
    assert all("\n" not in finding.message for finding in report.findings)
    if unreadable:
        with pytest.raises(DatasetError):
            rows(folder)


def test_a_sample_left_out_for_one_that_is_left_out_is_found(folder: Path) -> None:
    opened = humanverse.open(str(folder))
    five = next(item for item in opened.samples() if item.columns["row"] == 5)
    damage.cell(folder / TABLE, 1, of_shard=1, of_row=5, of_uid=five.uid, distance=2)
    (finding,) = verify(opened).problems
    assert (finding.path, "is left out too" in finding.message) == (TABLE, True)


def test_what_does_not_belong_is_noted(folder: Path) -> None:
    (folder / "views/README.txt").write_text("hello")
    (folder / "filters/Other").mkdir()
    (folder / "filters/mine/000004").mkdir()
    (folder / "filters/mine/000004/000000.parquet").write_bytes(b"")
    report = verify(humanverse.open(str(folder)))
    assert report.sound
    assert sorted(finding.path for finding in report.findings) == [
        "filters/Other",
        "filters/mine/000004",
        "views/README.txt",
    ]


def test_two_runs_at_once_do_not_mix(folder: Path) -> None:
    store = Store(folder)

    def while_another_run_ends():
        (folder / "filters/mine/000001").mkdir()
        shutil.copy(folder / CARD, folder / "filters/mine/000001/filter.json")
        yield from ()

    with pytest.raises(UserError, match="made by another run meanwhile"):
        views.write_filter(store, "mine", while_another_run_ends(), [0, 1], MADE_BY, {})
    assert json.loads((folder / VIEW).read_text())["exclude"] == ["mine/000000"]

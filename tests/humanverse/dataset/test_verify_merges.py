"""What verify says of merges that are not as they should be."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import humanverse
from humanverse.dataset.status import status
from humanverse.dataset.verify import verify
from humanverse.errors import DatasetError
from pipelines.merge import merge
from tests.humanverse.dataset.findings import found, messages
from tests.merging import make, problems

PLAN = "merges/000000.json"


@pytest.fixture(scope="module")
def merged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One own shard (rows 0 to 3), and two that came by a merge (rows 4 to 11)."""
    folder = tmp_path_factory.mktemp("merged")
    make(folder / "d", [[1]], layers=["person/test"])
    make(folder / "other", [[2], [3]], layers=["person/test"])
    merge(str(folder / "d"), [str(folder / "other")])
    return folder / "d"


@pytest.fixture
def broken(merged: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(merged, tmp_path / "d"))


def change(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    plan = json.loads((path / PLAN).read_text())
    change(plan)
    (path / PLAN).write_text(json.dumps(plan))


def test_a_whole_one_is_sound(merged: Path) -> None:
    report = verify(humanverse.open(str(merged)))
    assert (report.findings, report.shards, report.rows, report.samples) == ((), 3, 12, 3)


@pytest.mark.parametrize(
    ("what", "message"),
    [
        (lambda plan: plan["shards"][1].update(number=5), "is damaged (Value error, shard 5 does not follow shard 1)"),
        (lambda plan: plan["shards"][1].update(of=0), "is damaged (Value error, shard 2 does not follow shard 1)"),
        (lambda plan: plan["shards"][1].update(first=9), "is damaged (Value error, the rows of shard 2 do not follow"),
        (lambda plan: plan.update(first_row=5), "is damaged (Value error, its rows do not begin at 5"),
        (lambda plan: plan.update(seen=1), "is damaged (Value error, it has more shards than the 1"),
        (lambda plan: plan.pop("identity"), "is damaged (Field required)"),
    ],
)
def test_a_damaged_plan(broken: Path, what: Callable[[dict[str, Any]], object], message: str) -> None:
    change(broken, what)
    assert [
        said for path, said in ((f.partition(" ")[0], f) for f in problems(broken)) if path == PLAN and message in said
    ]
    with pytest.raises(DatasetError, match=r"merges/000000\.json is damaged"):
        status(humanverse.open(str(broken)))


def test_a_missing_plan(broken: Path) -> None:
    (broken / PLAN).rename(broken / "merges" / "000001.json")
    assert f"{PLAN} is missing, and later ones are there" in problems(broken)


def test_shards_that_nothing_planned(broken: Path) -> None:
    (broken / PLAN).unlink()
    message = "the source has no such shard, and no retry or merge planned it"
    assert problems(broken) == [f"ledger/{n:06d}.parquet {message}" for n in (1, 2)]


def test_numbers_that_do_not_follow(broken: Path) -> None:
    def shift(plan: dict[str, Any]) -> None:
        for shard in plan["shards"]:
            shard["number"] += 1
            shard["first"] += 2
        plan["first_row"] += 2

    change(broken, shift)
    assert {f"{PLAN} its shards begin at 2, not at 1", f"{PLAN} its rows begin at 6, not at 4"} <= set(problems(broken))


def test_other_rows_than_were_planned(broken: Path) -> None:
    path = broken / "ledger" / "000002.parquet"
    table = pq.read_table(path)
    rows = pa.array([row + 1 for row in table.column("row").to_pylist()])
    pq.write_table(table.set_column(0, table.schema.field(0), rows), path)
    assert "ledger/000002.parquet its rows are not the 4 rows that were planned, each once" in problems(broken)


def test_what_does_not_belong_there_and_what_is_not_done_are_notes(broken: Path) -> None:
    (broken / "merges" / "notes.txt").write_text("x")
    (broken / "ledger" / "000002.parquet").unlink()
    notes = found(broken)
    assert all(level == "note" for level, _ in notes)
    assert {("note", PLAN), ("note", "merges/notes.txt")} <= set(notes)
    assert f"1 of its 2 shards is not committed yet: humanverse merge {broken} " in messages(broken)

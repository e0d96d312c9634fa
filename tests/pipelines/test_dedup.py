"""dedup over whole datasets: what stays, what is left out and for whom, and that readers get what the view says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

import humanverse
from humanverse.blocklists import Blocklists, read
from humanverse.dataset.parquet import parquet_bytes
from humanverse.dataset.reader import Dataset
from humanverse.dataset.verify import verify
from humanverse.errors import DatasetError, UserError
from pipelines import dedup as module
from pipelines.cli import app
from pipelines.dedup import dedup
from tests.similar import add_shard, hashes, near, similar_dataset

A, B, C, D = hashes(4)
WHITE = 1 << 63


def sample(picture: int, phash: int, side: int = 320) -> dict[str, Any]:
    return {"picture": picture, "phash": phash, "original_width": side}


SHARDS = (
    (sample(0, A), sample(1, B), sample(2, WHITE)),
    (sample(3, near(A)), sample(4, C, 900), sample(5, WHITE)),
    (sample(6, near(A, 2)), sample(7, near(C), 1000), sample(2, WHITE)),
)
"""Rows 0 to 2, 6 to 8 and 12 to 14."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    similar_dataset(tmp_path / "d", SHARDS)
    return tmp_path / "d"


def rows(folder: Path, view: str | None = "dedup") -> list[int]:
    return [item.columns["row"] for item in humanverse.open(str(folder)).samples(["person", "caption"], view=view)]


def left_out(folder: Path, of_filter: str) -> list[tuple[int, int, int]]:
    """(row, of_row, distance), and that uids and shards are those of the rows."""
    where = {item.columns["row"]: (item.shard, item.uid) for item in humanverse.open(str(folder)).samples()}
    found = [
        row
        for path in sorted((folder / "filters" / of_filter).glob("*.parquet"))
        for row in pq.read_table(path).to_pylist()
    ]
    for row in found:
        assert (row["of_shard"], row["of_uid"]) == where[row["of_row"]]
        assert row["uid"] == where[row["row"]][1]
    return [(row["row"], row["of_row"], row["distance"]) for row in found]


def entomb(opened: Dataset, uid: str) -> None:
    opened.store.write("tombstones/a.parquet", parquet_bytes(pa.table({"uid": [uid]})))


def test_the_first_row_of_each_group_stays(folder: Path) -> None:
    result = dedup(str(folder))
    assert (result.samples, result.groups, result.left_out, result.equal_hashes) == (9, 3, 4, 1)
    assert left_out(folder, result.filter) == [(6, 0, 2), (12, 0, 4), (13, 7, 2), (14, 2, 0)]
    assert rows(folder) == [0, 1, 2, 7, 8]
    assert len(rows(folder, None)) == 9
    opened = humanverse.open(str(folder))
    assert (opened.count("dedup"), opened.count(), opened.views()) == (5, 9, ["dedup"])
    assert verify(opened).findings == ()


def test_the_largest_original_stays(folder: Path) -> None:
    result = dedup(str(folder), keep="largest")
    assert left_out(folder, result.filter) == [(6, 0, 2), (7, 13, 2), (12, 0, 4), (14, 2, 0)]
    assert verify(humanverse.open(str(folder))).findings == ()


def test_a_smaller_distance_leaves_less_out(folder: Path) -> None:
    assert left_out(folder, dedup(str(folder), distance=2).filter) == [(6, 0, 2), (13, 7, 2), (14, 2, 0)]
    assert left_out(folder, dedup(str(folder), distance=0).filter) == [(14, 2, 0)]


def test_the_largest_groups_are_told_with_what_stays(folder: Path) -> None:
    result = dedup(str(folder))
    first = next(humanverse.open(str(folder)).samples())
    assert [(group.row, group.left_out) for group in result.largest] == [(0, 2), (2, 1), (7, 1)]
    assert (result.largest[0].uid, result.largest[0].url, result.largest[0].shard) == (
        first.uid,
        first.columns["url"],
        0,
    )


def test_a_tombstoned_sample_is_in_no_group(folder: Path) -> None:
    opened = humanverse.open(str(folder))
    first = next(opened.samples())
    entomb(opened, first.uid)
    result = dedup(str(folder))
    assert left_out(folder, result.filter) == [(12, 6, 2), (13, 7, 2), (14, 2, 0)]
    assert rows(folder) == [1, 2, 6, 7, 8]


def test_what_is_removed_later_is_not_served_and_told(folder: Path) -> None:
    dedup(str(folder))
    opened = humanverse.open(str(folder))
    entomb(opened, next(opened.samples()).uid)
    assert rows(folder) == [1, 2, 7, 8]
    (finding,) = [item for item in verify(humanverse.open(str(folder))).findings if item.path.startswith("filters/")]
    assert finding.level == "note"
    assert "1 that were removed since" in finding.message


def test_a_shard_that_came_later_is_refused_until_dedup_ran_again(tmp_path: Path) -> None:
    folder = tmp_path / "d"
    store = similar_dataset(folder, SHARDS[:2], planned_shards=3)
    dedup(str(folder))
    assert rows(folder) == [0, 1, 2, 7, 8]
    add_shard(store, 2, SHARDS[2])
    opened = humanverse.open(str(folder))
    for attempt in (lambda: next(opened.samples(view="dedup")), lambda: opened.count("dedup")):
        with pytest.raises(
            DatasetError, match=r"has not seen 1 newer shard \(the first is 2\): run humanverse dedup \S*/d again"
        ):
            attempt()
    assert [item.columns["row"] for item in opened.samples(shards=[0, 1], view="dedup")] == [0, 1, 2, 7, 8]
    assert [finding.path for finding in verify(opened).findings] == ["views/dedup.json"]
    dedup(str(folder))
    assert rows(folder) == [0, 1, 2, 7, 8]
    assert verify(humanverse.open(str(folder))).findings == ()


def test_who_reads_while_dedup_runs_again_goes_on_with_the_old_view(folder: Path) -> None:
    dedup(str(folder))
    reading = humanverse.open(str(folder)).samples(view="dedup")
    assert next(reading).columns["row"] == 0
    dedup(str(folder), distance=0)
    assert [item.columns["row"] for item in reading] == [1, 2, 7, 8]
    dedup(str(folder), distance=2)
    dedup(str(folder), distance=0)
    kept = sorted(path.name for path in (folder / "filters/dedup").iterdir())
    assert kept == ["000002", "000003"], "only the one before is kept for readers"
    assert rows(folder) == [0, 1, 2, 6, 7, 8, 12, 13]


def test_a_killed_run_changes_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dedup(str(folder))
    with monkeypatch.context() as patched:
        patched.setattr(
            module.views, "write_view", lambda *arguments, **named: (_ for _ in ()).throw(KeyboardInterrupt)
        )
        with pytest.raises(KeyboardInterrupt):
            dedup(str(folder), distance=0)
    assert rows(folder) == [0, 1, 2, 7, 8]
    (folder / "filters/dedup/000001/filter.json").unlink()
    assert [(finding.level, finding.path) for finding in verify(humanverse.open(str(folder))).findings] == [
        ("note", "filters/dedup/000001")
    ]
    dedup(str(folder), distance=0)
    assert rows(folder) == [0, 1, 2, 6, 7, 8, 12, 13]


def test_an_empty_folder_of_a_deleted_filter_is_nothing(folder: Path) -> None:
    dedup(str(folder))
    (folder / "filters/dedup/000007").mkdir()
    assert verify(humanverse.open(str(folder))).findings == ()
    assert dedup(str(folder)).filter == "dedup/000008"


def test_several_views(folder: Path) -> None:
    dedup(str(folder), view="near")
    dedup(str(folder), distance=0, view="exact")
    assert humanverse.open(str(folder)).views() == ["exact", "near"]
    assert len(rows(folder, "near")) == 5
    assert len(rows(folder, "exact")) == 8


def test_block_lists_of_what_comes_often(folder: Path, tmp_path: Path) -> None:
    result = dedup(str(folder), block_lists=tmp_path / "lists", block_from=2)
    phashes, uids = (tmp_path / "lists" / name for name in ("phashes.txt", "hashes.txt"))
    assert result.block_lists == {str(phashes): 2, str(uids): 1}
    assert phashes.read_text().splitlines()[1:] == [f"{A:016x}", f"{C:016x}"]
    white = next(item for item in humanverse.open(str(folder)).samples() if item.columns["row"] == 2)
    assert uids.read_text().splitlines()[1:] == [f"uid:{white.uid}"]
    dedup(str(folder), block_lists=tmp_path / "lists", block_from=3)
    assert [len(path.read_text().splitlines()) for path in (phashes, uids)] == [2, 1]


def test_a_dataset_where_nothing_is_alike(tmp_path: Path) -> None:
    similar_dataset(tmp_path / "d", [[sample(0, A)], [sample(1, B)]])
    result = dedup(str(tmp_path / "d"))
    assert (result.samples, result.groups, result.left_out, result.largest) == (2, 0, 0, [])
    assert len(rows(tmp_path / "d")) == 2


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"keep": "best"}, "choose from first, largest"),
        ({"distance": 17}, "give one from 0 to 16"),
        ({"view": "A view"}, "lower-case letters"),
        ({"block_from": 1}, "give 2 or more"),
    ],
)
def test_what_cannot_be_asked_for(folder: Path, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        dedup(str(folder), **settings)
    assert not (folder / "views").exists()


def test_a_view_of_another_command_is_not_replaced(folder: Path) -> None:
    dedup(str(folder), view="mine")
    card = folder / "views/mine.json"
    card.write_text(json.dumps(json.loads(card.read_text()) | {"made_by": "view"}))
    with pytest.raises(UserError, match="was not made by dedup"):
        dedup(str(folder), view="mine")


def test_a_damaged_view_is_made_again(folder: Path) -> None:
    first = dedup(str(folder)).filter
    for damaged in (folder / "filters" / first / "filter.json", folder / "views/dedup.json"):
        damaged.write_text("{")
        with pytest.raises(DatasetError, match="damaged"):
            rows(folder)
        dedup(str(folder))
        assert rows(folder) == [0, 1, 2, 7, 8]


def test_another_damaged_view_keeps_its_filters(folder: Path) -> None:
    for _ in range(2):
        dedup(str(folder))
    (folder / "views/other.json").write_text("{")
    for _ in range(2):
        dedup(str(folder))
    kept = sorted(path.name for path in (folder / "filters/dedup").iterdir())
    assert kept == ["000000", "000001", "000002", "000003"]


def test_nothing_is_built_yet(tmp_path: Path) -> None:
    store = similar_dataset(tmp_path / "d", [SHARDS[0]])
    store.remove("ledger")
    with pytest.raises(UserError, match="no committed shard"):
        dedup(str(tmp_path / "d"))


def test_the_command_line(folder: Path) -> None:
    done = CliRunner().invoke(app, ["dedup", str(folder), "--json"])
    found = json.loads(done.stdout)
    assert (found["view"], found["groups"], found["left_out"]) == ("dedup", 3, 4)
    assert found["largest"][0]["row"] == 0
    assert "dedup: 9/9 steps, 9 samples, writing" in done.stderr
    plain = CliRunner().invoke(app, ["dedup", str(folder), "--keep", "largest", "--view", "big"])
    assert "9 samples in 3 shards: 3 groups that are alike, 4 samples left out (44.4%)" in plain.stdout
    assert "view big: 5 samples" in plain.stdout


def test_block_lists_need_a_folder_before_anything_is_written(folder: Path, tmp_path: Path) -> None:
    dedup(str(folder))
    (tmp_path / "file").write_text("mine")
    for place in (tmp_path / "file", tmp_path / "file" / "lists"):
        with pytest.raises(UserError, match=r"^--block-lists .*: give a folder$"):
            dedup(str(folder), distance=0, block_lists=place)
    assert rows(folder) == [0, 1, 2, 7, 8]
    assert (tmp_path / "file").read_text() == "mine"


def test_a_list_that_cannot_be_written_leaves_the_view_as_it_was(folder: Path, tmp_path: Path) -> None:
    dedup(str(folder))
    (tmp_path / "lists" / "hashes.txt").mkdir(parents=True)
    with pytest.raises(UserError, match="cannot write the block-lists"):
        dedup(str(folder), distance=0, block_lists=tmp_path / "lists")
    assert rows(folder) == [0, 1, 2, 7, 8]


def test_block_lists_can_be_used(folder: Path, tmp_path: Path) -> None:
    dedup(str(folder), block_lists=tmp_path, block_from=2)
    lists = [read(kind, str(tmp_path / f"{kind}.txt")) for kind in ("hashes", "phashes")]
    white = next(item for item in humanverse.open(str(folder)).samples() if item.columns["row"] == 2)
    assert Blocklists(lists).sha256(white.columns["sha256"])
    assert Blocklists(lists).blocked_picture(A)

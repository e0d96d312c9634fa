"""export: running again writes what has changed and nothing else."""

from __future__ import annotations

import json
import multiprocessing
import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from humanverse.dataset import tombstones
from humanverse.dataset.reader import Dataset
from humanverse.dataset.tombstones import Tombstones
from humanverse.export.record import exports, holding
from humanverse.storage import Store
from pipelines import forget as job
from pipelines.cli import app
from pipelines.compact import compact
from tests.pipelines.exports import (
    FORMATS,
    PER_SHARD,
    add_layer_anew,
    add_shard,
    contents,
    die_at,
    files,
    forget,
    listed,
    people,
    run,
    state,
    uids,
)

__all__ = ["people"]


@pytest.mark.parametrize("format", FORMATS)
def test_again_there_is_nothing_to_do(people: Path, tmp_path: Path, format: str) -> None:
    out = tmp_path / "out"
    first = run(people, out, format)
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file()}
    again = run(people, out, format)
    assert (first.samples, first.shards, first.written, first.deleted) == (6, 2, 2, 0)
    assert (again.samples, again.shards, again.written, again.deleted) == (6, 2, 0, 0)
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file()} == before
    assert state(out)["complete"] is True
    assert listed(out) == uids(people)


@pytest.mark.parametrize("format", FORMATS)
def test_what_is_forgotten_vanishes_and_the_rest_stays(people: Path, tmp_path: Path, format: str) -> None:
    out = tmp_path / "out"
    run(people, out, format)
    before = files(out, format)
    gone = uids(people)[1]
    forget(people, gone)
    again = run(people, out, format)
    after = files(out, format)
    assert (again.samples, again.written) == (5, 1)
    assert gone not in listed(out)
    assert listed(out) == uids(people)
    assert not [path for path in out.rglob("*") if path.is_file() and gone.encode() in path.read_bytes()]
    untouched = {name for name, time in after.items() if before.get(name) == time}
    assert len(untouched) == (5 if format == "coco" else 1)


def test_forget_names_the_exports_that_have_it(people: Path, tmp_path: Path) -> None:
    for name in ("one", "two", "gone"):
        run(people, tmp_path / name, "webdataset")
    shutil.rmtree(tmp_path / "gone")
    uid = uids(people)[0]
    told = job.forget(str(people), job.Request(uids=(uid,)))
    assert (told.exports, told.exports_unknown) == (
        [str(tmp_path / "one"), str(tmp_path / "two")],
        [str(tmp_path / "gone")],
    )
    run(people, tmp_path / "one", "webdataset")
    (people / "exports" / "000002.json").write_text("{}")
    again = CliRunner().invoke(app, ["forget", str(people), "--uid", uid])
    assert again.exit_code == 0, again.output
    assert f"export {tmp_path / 'two'} has some of them: export again into it" in again.stdout
    assert "export exports/000002.json may have some of them" in again.stdout
    assert str(tmp_path / "one") not in again.stdout


@pytest.mark.parametrize(("format", "reads"), [("webdataset", "map_png"), ("coco", "jpeg"), ("hf", "map_png")])
def test_what_is_removed_while_it_is_exported_is_passed_over(
    people: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, format: str, reads: str
) -> None:
    second, plain = uids(people)[1], getattr(Dataset, reads)

    def meanwhile(self: Dataset, *arguments: Any) -> Any:
        if arguments[-1]["uid"] == second and not (people / "ledger/000000.g1.parquet").exists():
            tombstones.write(Store(people), Tombstones(frozenset([second])), "asked to")
            compact(str(people))
        return plain(self, *arguments)

    monkeypatch.setattr(Dataset, reads, meanwhile)
    assert run(people, tmp_path / "out", format).samples == 2 * PER_SHARD - 1
    assert second not in listed(tmp_path / "out")
    assert second.encode() not in b"".join(contents(tmp_path / "out").values())


@pytest.mark.parametrize("format", FORMATS)
def test_a_shard_of_which_all_is_forgotten_goes(people: Path, tmp_path: Path, format: str) -> None:
    out = tmp_path / "out"
    run(people, out, format)
    for uid in uids(people)[:PER_SHARD]:
        forget(people, uid)
    again = run(people, out, format)
    assert (again.samples, again.shards, again.written) == (3, 1, 0)
    assert again.deleted == (PER_SHARD if format == "coco" else 1)
    assert list(state(out)["shards"]) == ["000001"]
    assert len(files(out, format)) == (3 if format == "coco" else 1)


@pytest.mark.parametrize("format", FORMATS)
def test_a_new_shard_is_added(people: Path, tmp_path: Path, format: str) -> None:
    out = tmp_path / "out"
    run(people, out, format)
    before = files(out, format)
    add_shard(people)
    again = run(people, out, format)
    assert (again.samples, again.shards, again.written, again.deleted) == (9, 3, 1, 0)
    assert before.items() <= files(out, format).items()
    assert listed(out) == uids(people)


@pytest.mark.parametrize("format", FORMATS)
def test_another_layer_of_the_same_name_is_written_anew(people: Path, tmp_path: Path, format: str) -> None:
    out = tmp_path / "out"
    run(people, out, format)
    shutil.rmtree(people / "layers" / "pose" / "test")
    add_layer_anew(people)
    assert run(people, out, format).written == 2
    assert run(people, out, format).written == 0


@pytest.mark.parametrize(
    ("format", "path"),
    [
        ("webdataset", "000001.tar"),
        ("coco", "annotations/humanverse.json"),
        ("hf", "README.md"),
    ],
)
def test_killed_half_way_it_says_so_and_completes(people: Path, tmp_path: Path, format: str, path: str) -> None:
    out = tmp_path / "out"
    process = multiprocessing.get_context("spawn").Process(target=die_at, args=(people, out, format, path))
    process.start()
    process.join(60)
    assert process.exitcode == 9
    assert state(out)["complete"] is False
    (record,) = exports(Dataset(str(people)))
    assert holding(record, set(uids(people))) is None
    forget(people, uids(people)[-1])
    done = run(people, out, format)
    assert done.samples == 5
    assert state(out)["complete"] is True
    fresh = tmp_path / "fresh"
    run(people, fresh, format)
    assert contents(out) == contents(fresh)


def test_the_state_tells_what_the_export_has(people: Path, tmp_path: Path) -> None:
    run(people, tmp_path / "out", "webdataset")
    told = state(tmp_path / "out")
    assert told["dataset"] == str(people)
    assert told["layers"]["pose"] == "pose/test"
    assert {name: (item["generation"], item["samples"]) for name, item in told["shards"].items()} == {
        "000000": (0, 3),
        "000001": (0, 3),
    }
    table = pq.read_table(tmp_path / "out" / "humanverse-export.parquet")
    assert table.column("file").to_pylist() == ["000000.tar"] * 3 + ["000001.tar"] * 3
    samples = list(Dataset(str(people)).samples())
    assert table.column("row").to_pylist() == [sample.columns["row"] for sample in samples]
    assert table.column("shard").to_pylist() == [sample.shard for sample in samples]


def test_a_dataset_that_was_moved_updates_its_exports(people: Path, tmp_path: Path) -> None:
    run(people, tmp_path / "out", "coco")
    moved, link = tmp_path / "elsewhere" / "moved", tmp_path / "link"
    moved.parent.mkdir()
    people.rename(moved)
    link.symlink_to(moved)
    assert run(link, tmp_path / "out", "coco").written == 0
    assert state(tmp_path / "out")["dataset"] == str(link)
    forget(moved, uids(moved)[0])
    again = run(moved, tmp_path / "out", "coco")
    assert (again.written, again.deleted) == (1, 1)
    assert state(tmp_path / "out")["dataset"] == str(moved)
    assert str(tmp_path) not in (tmp_path / "out" / "annotations" / "humanverse.json").read_text()


@pytest.mark.parametrize("gone", [0, PER_SHARD])
def test_progress_ends_at_its_end(people: Path, tmp_path: Path, gone: int, capsys: pytest.CaptureFixture[str]) -> None:
    run(people, tmp_path / "out", "webdataset")
    for uid in uids(people)[:gone]:
        forget(people, uid)
    capsys.readouterr()
    left = run(people, tmp_path / "out", "webdataset").samples
    assert f"export: 4/4 steps, {left} samples, writing" in capsys.readouterr().err


def test_an_export_that_has_lost_all_its_samples_says_so(people: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(people, out, "hf")
    for uid in uids(people):
        forget(people, uid)
    told = CliRunner().invoke(app, ["export", str(people), str(out), "--format", "hf"])
    assert told.exit_code == 0, told.output
    assert "no sample is left in it" in told.stdout
    assert not files(out, "hf")
    add_shard(people)
    assert run(people, out, "hf").samples == PER_SHARD
    assert list(files(out, "hf")) == ["train-000002.parquet"]


def test_the_command_line(people: Path, tmp_path: Path) -> None:
    words = ["export", str(people), str(tmp_path / "out"), "--format", "webdataset", "--layers", "pose=test"]
    told = CliRunner().invoke(app, words)
    assert told.exit_code == 0, told.output
    assert "webdataset of 6 samples; 2 of 2 shards written" in told.stdout
    again = json.loads(CliRunner().invoke(app, [*words, "--json"]).stdout)
    assert (again["samples"], again["written"], again["layers"]) == (6, 0, {"pose": "pose/test"})
    plain = CliRunner().invoke(app, words)
    assert "no shard had changed" in plain.stdout

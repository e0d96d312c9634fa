"""Whole builds through the engine, over a stand-in for img2dataset; those over the real one are in ``test_real.py``."""

from __future__ import annotations

import errno
import json
import sys
from pathlib import Path
from typing import Any

import pytest

import humanverse
from humanverse.dataset.shard import Shard
from humanverse.dataset.verify import verify
from humanverse.errors import UserError
from humanverse.sources import open_source
from humanverse.storage import Store
from pipelines import cli
from pipelines.download.base import Job
from pipelines.download.engines import engine_for
from pipelines.download.folder import Downloads
from pipelines.stages.commit import Commit
from schemas.recipe import SourceSettings, load
from tests.compare import assert_identical
from tests.pipelines.download import standin
from tests.pipelines.download.builds import comparable, run
from tests.pipelines.test_kill import build_through_kills, start


@pytest.fixture
def home(tmp_path: Path) -> Path:
    standin.make(tmp_path / "env")
    return tmp_path


def through(home: Path, **settings: Any) -> dict[str, Any]:
    return {"engine": "img2dataset", "img2dataset": {"python": str(home / "env" / "python"), **settings}}


def tricks(home: Path, **wanted: object) -> None:
    (home / "env" / "tricks.json").write_text(json.dumps(wanted))


def calls(home: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (home / "env" / "calls.jsonl").read_text().splitlines()]


@pytest.mark.parametrize(("round_shards", "runs"), [(100, 1), (3, 3)])
def test_the_dataset_is_that_of_our_own_engine(web: Path, ours: Path, home: Path, round_shards: int, runs: int) -> None:
    result = run(web, home / "people", through(home, round_shards=round_shards))
    assert result.lost == {}
    assert comparable(home / "people") == comparable(ours)
    assert verify(humanverse.open(str(home / "people"))).findings == ()
    assert len(calls(home)) == runs
    assert not (home / "people" / ".tmp").exists()


def test_nothing_is_installed_or_downloaded_when_all_is_committed(web: Path, ours: Path, home: Path) -> None:
    run(web, home / "people", through(home))
    left = home / "people" / ".tmp" / "img2dataset" / "left" / "by a killed run"
    left.mkdir(parents=True)
    (home / "env" / "python").unlink()
    assert run(web, home / "people", through(home)).committed == 0
    assert not left.exists()


def test_what_img2dataset_leaves_out_is_lost_until_the_next_run(web: Path, ours: Path, home: Path) -> None:
    tricks(home, skip=[0])
    result = run(web, home / "people", through(home))
    assert list(result.lost) == [0]
    assert "did not finish shard 0" in result.lost[0]
    first = len(calls(home))
    (home / "env" / "tricks.json").unlink()
    assert run(web, home / "people", through(home)).committed == 1
    assert len(calls(home)) == first + 1
    assert comparable(home / "people") == comparable(ours)


def test_a_failure_that_brings_it_further_is_not_the_end(web: Path, ours: Path, home: Path) -> None:
    tricks(home, fail_at=2)
    assert run(web, home / "people", through(home)).lost == {}
    assert len(calls(home)) == 4
    assert comparable(home / "people") == comparable(ours)


def test_a_failure_that_does_not_is_one_line_and_the_next_run_goes_on(web: Path, ours: Path, home: Path) -> None:
    tricks(home, fail_at=0)
    with pytest.raises(UserError, match=r"^img2dataset failed \(RuntimeError: no more today\): see .*log\.txt$"):
        run(web, home / "people", through(home))
    (home / "env" / "tricks.json").unlink()
    assert run(web, home / "people", through(home)).lost == {}
    assert comparable(home / "people") == comparable(ours)


def test_what_was_downloaded_is_not_downloaded_again(
    web: Path, ours: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = Commit.process

    def lose_some(stage: Commit, item: Shard) -> Any:
        if item.number in (1, 4):
            raise ValueError("not this one")
        return process(stage, item)

    monkeypatch.setattr(Commit, "process", lose_some)
    assert list(run(web, home / "people", through(home)).lost) == [1, 4]
    monkeypatch.undo()
    assert run(web, home / "people", through(home)).committed == 2
    assert len(calls(home)) == 1
    assert comparable(home / "people") == comparable(ours)


def test_when_all_downloads_fail_alike_they_are_repeated(home: Path, web: Path) -> None:
    (home / "dead.txt").write_text("".join(f"http://127.0.0.1:9/{n}.jpg\n" for n in range(6)))
    for all_failed_from, lost, runs in ((5, 1, 1), (5, 1, 2), (None, 0, 3)):
        recipe = load(
            path=web / "recipe.yaml", overrides={"fetch": {**through(home), "all_failed_from": all_failed_from}}
        )
        from pipelines.build import build

        result = build([str(home / "dead.txt")], str(home / "people"), recipe, local=True, allow_private=True)
        assert len(result.lost) == lost
        assert "all 6 URLs failed with connect" in result.lost.get(0, "all 6 URLs failed with connect")
        assert len(calls(home)) == min(runs, 2)
    assert result.failures == {"connect": 6}


@pytest.mark.slow
def test_killed_and_run_again(web: Path, home: Path) -> None:
    recipe = web / "recipe.yaml"
    plain = recipe.read_text()
    settings = f"fetch: {json.dumps({**through(home, round_shards=3), 'retries': 0, 'timeout_s': 20})}\n"
    recipe.write_text("".join(line for line in plain.splitlines(True) if not line.startswith("fetch:")) + settings)
    try:
        process, _ = start(web, home / "undisturbed", "--local")
        _, errors = process.communicate(timeout=300)
        assert process.returncode == 0, errors.decode()
        build_through_kills(web, home / "people", 3, (0.8, 3.0), "--local")
    finally:
        recipe.write_text(plain)
    assert_identical(home / "people", home / "undisturbed")


def test_downloads_can_be_kept_and_are_a_source(web: Path, ours: Path, home: Path) -> None:
    run(web, home / "people", through(home, folder=str(home / "kept"), keep=True))
    assert not (home / "people" / ".tmp").exists()
    (kept,) = (home / "kept").glob("*/done")
    source = open_source(str(kept), SourceSettings())
    assert (source.kind, source.remote) == ("img2dataset", False)
    assert source.count() > 20
    assert comparable(home / "people") == comparable(ours)


def test_private_addresses_are_not_handed_over_and_a_warning_is_given(
    web: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = run(web, home / "people", {**through(home), "all_failed_from": None}, allow_private=False)
    assert result.lost == {}
    assert result.failures["private_address"] > 20
    assert not (home / "env" / "calls.jsonl").exists(), "there is nothing to ask for"
    assert capsys.readouterr().err.count("it does not check where names and redirects lead") == 1


def job(store: str, **settings: Any) -> Job:
    recipe = load(overrides={"fetch": {"engine": "img2dataset", "img2dataset": settings}})
    source: Any = type("Remote", (), {"remote": True})()
    return Job(source, recipe, Store(store), {}, frozenset(), False, None, True)


@pytest.mark.parametrize(
    ("store", "settings", "line"),
    [
        ("memory://people", {}, r"is in a bucket: set fetch\.img2dataset\.folder"),
        ("people", {"folder": "s3://b/x"}, r"s3://b/x is not a path"),
        ("people [1]", {}, r"takes \*, \? and \[ in .* for patterns"),
    ],
)
def test_places_that_will_not_do(
    store: str, settings: dict[str, Any], line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=line):
        engine_for(job(store, **settings))
    engine_for(job(store, folder=str(tmp_path)))


def test_a_full_disk_is_one_line(web: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Downloads, "save_rows", full)
    with pytest.raises(UserError, match=r"downloads cannot be used: .*: No space left on device: run again") as caught:
        run(web, home / "people", through(home))
    assert "\n" not in str(caught.value)


def test_a_bucket_needs_a_folder_which_is_only_cleaned_of_our_downloads(web: Path, home: Path) -> None:
    (home / "mine").mkdir()
    (home / "mine" / "note.txt").write_text("stays")
    bucket = f"memory://{home.name}"
    assert run(web, bucket, through(home, folder=str(home / "mine"))).lost == {}
    assert Store(bucket).exists("humanverse.json")
    assert [path.name for path in (home / "mine").iterdir()] == ["note.txt"]


def test_what_cannot_be_honoured_is_one_line_and_nothing_is_written(
    web: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "r.yaml").write_text("fetch: {engine: img2dataset, robots: true}")
    words = ["build", web / "urls.parquet", tmp_path / "people", "--local", "--recipe", tmp_path / "r.yaml"]
    monkeypatch.setattr(sys, "argv", ["humanverse", *map(str, words)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith("humanverse: fetch.engine img2dataset cannot honour")
    assert not (tmp_path / "people").exists()


def test_keeping_needs_a_folder(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"keep needs a folder outside the dataset: set fetch\.img2dataset\.folder"):
        load(overrides={"fetch": {"img2dataset": {"keep": True}}})

"""Merges beside builds, on the command line: a dataset that others were merged into is built on, retried and annotated."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import humanverse
from humanverse.codec import encode_jpeg
from humanverse.dataset.merges import read_merges
from humanverse.dataset.status import status
from tests.datasets import picture
from tests.merging import all_rows, make, problems, uids
from tests.pipelines.test_cli import build, call, one_error
from tests.pipelines.web import write_recipe


def photographs(folder: Path, seeds: range) -> Path:
    """A folder of pictures, and one file that is none."""
    folder.mkdir(parents=True)
    for seed in seeds:
        (folder / f"{seed:02d}.jpg").write_bytes(encode_jpeg(picture(seed), 85))
    (folder / "99.jpg").write_bytes(b"no picture")
    write_recipe(folder.parent)
    return folder


def test_built_merged_built_on_and_retried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ours, theirs = (
        photographs(tmp_path / "a" / "pictures", range(8)),
        photographs(tmp_path / "b" / "pictures", range(5, 14)),
    )
    people, others = tmp_path / "people", tmp_path / "others"
    assert call(monkeypatch, *build(ours, people)) == 0
    assert call(monkeypatch, *build(theirs, others)) == 0
    (people / "ledger" / "000001.parquet").unlink()
    assert call(monkeypatch, "merge", people, others, "--dry-run", "--json") == 0
    planned = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert call(monkeypatch, "merge", people, others, "--json") == 0
    done = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert done["others"] == planned["others"]
    assert (done["dry_run"], planned["dry_run"]) == (False, True)
    assert (done["others"][0]["kept"], done["others"][0]["duplicates"]) == (8, 1)
    assert humanverse.open(str(people)).shards() == [0, 2, 3]
    assert call(monkeypatch, *build(ours, people)) == 0
    assert humanverse.open(str(people)).shards() == [0, 1, 2, 3]
    assert call(monkeypatch, *build(ours, people)) == 0
    assert "is complete: nothing to do" in capsys.readouterr().out
    assert call(monkeypatch, *build(ours, people), "--retry", "not_an_image") == 0
    assert "1 further row that ended so came by a merge" in capsys.readouterr().err
    dataset = humanverse.open(str(people))
    assert [list(one.numbers) for one in dataset.passes()] == [[4]]
    assert [list(one.numbers) for one in read_merges(dataset.store)] == [[2, 3]]
    assert problems(people) == []
    assert all_rows(people) == Counter(range(19))
    assert Counter(uids(people))[uids(others)[1]] == 2
    assert status(dataset).complete


def test_layers_that_are_lacking_are_annotated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    people, others = tmp_path / "people", tmp_path / "others"
    assert call(monkeypatch, *build(photographs(tmp_path / "a" / "pictures", range(4)), people)) == 0
    assert call(monkeypatch, *build(photographs(tmp_path / "b" / "pictures", range(3, 7)), others)) == 0
    assert call(monkeypatch, "drop", others, "quality=pixels", "--force") == 0
    assert call(monkeypatch, "merge", people, others) == 0
    assert problems(people) == []
    capsys.readouterr()
    assert call(monkeypatch, "status", people, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["complete"], found["completed_by"]) == (True, {"quality/pixels": "quality=pixels"})
    assert call(monkeypatch, "annotate", people, "quality=pixels", "--local") == 0
    dataset = humanverse.open(str(people))
    assert dataset.layer_shards("quality/pixels") == {0, 1}
    assert problems(people) == []
    assert status(dataset).completed_by == {}
    said = [sample.layers["quality"]["sharpness"] for sample in dataset.samples(["quality"])]
    assert len(said) == 7
    assert None not in said


def test_what_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    make(tmp_path / "a", [[1]], layers=["person/test"])
    make(tmp_path / "b", [[1, 2]], layers=["person/test", "caption/test"])
    assert call(monkeypatch, "merge", tmp_path / "a", tmp_path / "b", "--layers", "both") == 0
    told = capsys.readouterr().out
    assert f"{tmp_path / 'b'}: added 1 sample (" in told
    assert "of 5 rows in 1 shard; 1 was here already, 0 rows are forgotten" in told
    assert "layer caption/test: not copied: only the other dataset has it" in told
    assert call(monkeypatch, "merge", tmp_path / "a", tmp_path / "b") == 2
    assert "has everything already" in capsys.readouterr().err
    assert call(monkeypatch, "status", tmp_path / "a") == 0
    assert "complete; 1 of 1 shard, 1 of 1 merged" in capsys.readouterr().out
    assert call(monkeypatch, "snapshot", tmp_path / "a", "--name", "run 1") == 0
    assert "snapshot 0: all samples and layers: 2 samples" in capsys.readouterr().out
    assert call(monkeypatch, "verify", tmp_path / "a", "--against", 0) == 0
    assert "as it was: snapshot 0 (run 1)" in capsys.readouterr().out
    (tmp_path / "a" / "layers" / "person" / "test" / "000000.parquet").unlink()
    assert call(monkeypatch, "verify", tmp_path / "a", "--against", 0, "--json") == 1
    compared = json.loads(capsys.readouterr().out)
    assert (compared["same"], compared["gone_files"]) == (False, {"layer person/test": 1})


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["merge", "a"], "Missing argument 'OTHER...': see humanverse merge --help"),
        (["merge", "a", "nothing"], "nothing is not a dataset"),
        (["merge", "a", "a"], "cannot be merged into itself"),
        (["merge", "a", "b", "--layers", "some"], "--layers"),
        (["snapshot", "a", "--view", "none"], "no view none in"),
        (["verify", "a", "--against", "3"], "no snapshot 3 in"),
        (["verify", "a", "--against", "-1"], "--against"),
    ],
)
def test_an_error_is_one_line(
    words: list[str], line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make(tmp_path / "a", [[1]], layers=["person/test"])
    monkeypatch.chdir(tmp_path)
    assert call(monkeypatch, *words) == 2
    assert line in one_error(capsys)


def test_help_loads_nothing_heavy() -> None:
    code = "import sys, pipelines.cli; print([m for m in ('numpy', 'pyarrow', 'duckdb') if m in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=os.environ, check=True)
    assert ran.stdout.strip() == "[]"

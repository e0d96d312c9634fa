"""Results are not written to where something else is kept."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from humanverse.errors import UserError
from pipelines import cli
from pipelines.places import refuse_training_run
from pipelines.train import train


def _dataset(path: Path) -> Path:
    path.mkdir()
    (path / "humanverse.json").write_text("{}")
    return path


@pytest.mark.parametrize("inside", ["", "new/pictures"])
def test_a_dataset_is_no_place_for_pictures(
    inside: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    people = _dataset(tmp_path / "people")
    words = ["generate", str(people / inside), "--model", "nothing", "--pose", "nothing.png", "--prompt", "a"]
    monkeypatch.setattr(sys, "argv", ["humanverse", *words])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2 and "give a folder outside of it" in capsys.readouterr().err
    assert [path.name for path in tmp_path.rglob("*")] == ["people", "humanverse.json"]


@pytest.mark.parametrize(
    ("file", "what"),
    [("settings.json", "a training run"), ("state.json", "a checkpoint"), ("model_index.json", "a pipeline")],
)
def test_nor_is_a_run(file: str, what: str, tmp_path: Path) -> None:
    (tmp_path / file).write_text("{}")
    with pytest.raises(UserError, match=f"is {what}: give another folder"):
        refuse_training_run("OUT", tmp_path)
    refuse_training_run("OUT", tmp_path / "pictures")


def test_a_dataset_is_no_place_for_a_run(tmp_path: Path) -> None:
    people = _dataset(tmp_path / "people")
    with pytest.raises(UserError, match=r"--out .*people is a dataset: give a folder outside of it"):
        train("structure", str(people), people)
    with pytest.raises(UserError, match=r"--out .*run lies in the dataset"):
        train("structure", str(people), people / "run")
    assert [path.name for path in people.iterdir()] == ["humanverse.json"]

"""Settings of a run, as a user gives them."""

from __future__ import annotations

from pathlib import Path

import pytest

from humanverse.errors import UserError
from humanverse.training.settings import changed, check_same, check_stage, load


def test_the_usual_ones_are_the_papers() -> None:
    settings = load()
    assert (settings.model.preset, settings.data.buckets) == ("paper", (512,))
    own = settings.optimiser
    assert (own.lr, own.betas, own.weight_decay, own.warm_up) == (1e-5, (0.9, 0.999), 0.01, 0)


def test_a_file_and_changes_on_top(tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_text("optimiser: {lr: 0.1, warm_up: 5}\ndata: {buckets: [256, [320, 192]]}\n")
    settings = load(
        path, ["optimiser.lr=0.2", "model.changes.replication=half", "log.trackers=[tensorboard]", "precision=no"]
    )
    assert (settings.optimiser.lr, settings.optimiser.warm_up) == (0.2, 5)
    assert settings.data.buckets == (256, (320, 192))
    assert settings.model.changes == {"replication": "half"}
    assert settings.log.trackers == ("tensorboard",) and settings.precision == "no"


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        (["optimizer.lr=1"], "settings: optimizer: there is no such setting"),
        (["optimizer.lr=1"], "settings: optimizer: there is no such setting: did you mean optimiser?"),
        (["lr=1"], "settings: lr: there is no such setting: did you mean optimiser.lr?"),
        (["data.bucket=[64]"], "settings: data.bucket: there is no such setting: did you mean data.buckets?"),
        (
            ["data.captions={source:1}"],
            "settings: data.captions.source:1: must be a number: a space is missing after the colon: "
            "write data.captions={source: 1}, in quotes",
        ),
        (
            ["optimiser.rate=1"],
            "settings: optimiser.rate: there is no such setting: optimiser has lr, betas, eps, weight_decay, ",
        ),
        (["foo=1"], "settings: foo: there is no such setting: docs/training.md has those that there are"),
        (["optimiser.lr=abc"], "settings: optimiser.lr: must be a number, not abc"),
        (["data.flip=maybe"], "settings: data.flip: must be true or false, not maybe"),
        (["batch=6.5"], "settings: batch: must be a whole number, not 6.5"),
        (["optimiser.lr=0"], "settings: optimiser.lr: Input should be greater than 0, not 0"),
        (["optimiser.betas=[0.9, 1]"], "settings: optimiser.betas.1: Input should be less than 1"),
        (["optimiser.betas=[-1, 0.9]"], "settings: optimiser.betas.0: Input should be greater than or equal to 0"),
        (["batch=6", "micro_batch=4"], "settings: batch 6 must be a multiple of micro_batch 4"),
        (["batch"], "--set batch: write section.name=value"),
        (["batch=4", "batch.size=4"], "--set batch.size=4: batch has no settings in it"),
        (["log.trackers=[paper]"], "settings: log.trackers.0: Input should be 'tensorboard', not paper"),
        (
            [f"precision={'x y ' * 20}"],
            f"settings: precision: Input should be 'auto', 'no' or 'bf16', not {'x y ' * 10}…",
        ),
    ],
)
def test_what_cannot_be_is_one_line(changes: list[str], line: str) -> None:
    with pytest.raises(UserError) as raised:
        load(None, changes)
    assert str(raised.value).startswith(line)


def test_a_file_that_is_none_is_one_line(tmp_path: Path) -> None:
    for text, line in (("[1]", "holds no mapping"), ("a: [", "is no YAML")):
        path = tmp_path / "run.yaml"
        path.write_text(text)
        with pytest.raises(UserError, match=line):
            load(path)
    with pytest.raises(UserError, match="No such file"):
        load(tmp_path / "none.yaml")


def test_only_what_decides_the_weights_must_stay() -> None:
    before = load().decisive()
    free = ["samples=7", "checkpoint.every=9", "data.workers=3", "log.every=2", "gradient_checkpointing=true"]
    check_same(before, load(None, free).decisive(), "run")
    helps = ["precision=no", "optimiser.lr=1e-6", "micro_batch=2"]
    check_same(before, load(None, helps).decisive(), "run")
    assert changed(before, load(None, helps).decisive()) == [
        "micro_batch is 2 from here on, and was 8",
        "optimiser.lr is 1e-06 from here on, and was 1e-05",
        "precision is no from here on, and was auto",
    ]
    for change in ("seed=1", "data.view=dedup", "model.changes.replication=half", "noise.own_timesteps=true"):
        with pytest.raises(UserError, match="run was begun with"):
            check_same(before, load(None, [change]).decisive(), "run")


def test_a_run_of_the_other_stage_is_named_as_that() -> None:
    before = {"stage": "structure", **load().decisive()}
    with pytest.raises(UserError, match="--out run is a run of stage 1, train structure: give another --out"):
        check_same(before, {"stage": "refiner", **load(None, ["data.flip=yes"]).decisive()}, "--out run")


def test_a_text_encoder_of_stage_one_is_none_of_stage_two() -> None:
    settings = load(None, ["model.text=minilm"])
    check_stage("structure", settings)
    with pytest.raises(UserError, match=r"model\.text minilm is for stage 1"):
        check_stage("refiner", settings)

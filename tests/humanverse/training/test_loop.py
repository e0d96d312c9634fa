"""The loop: it learns, it goes on to the same bits, and it stops with a clear line."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from humanverse.dataset import layout
from humanverse.dataset.reader import Dataset
from humanverse.errors import UserError
from humanverse.training.checkpoints import RunFolder
from humanverse.training.loop import Loop, crossed, learning_rate
from humanverse.training.run import run
from humanverse.training.settings import OptimiserSettings
from humanverse.training.structure import StructureStage
from tests.datasets import make_dataset
from tests.humanverse.training import conftest, tiny


@pytest.fixture(scope="module")
def straight(people: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of 12 samples that nothing interrupts."""
    out = tmp_path_factory.mktemp("straight")
    tiny.trained(people, out)
    return out


def _last(out: Path) -> Path:
    latest = RunFolder(out).latest()
    assert latest is not None
    return latest


def test_a_run_that_goes_on_has_the_same_bits(people: str, straight: Path, tmp_path: Path) -> None:
    assert tiny.trained(people, tmp_path, samples=4).samples == 4
    outcome = tiny.trained(people, tmp_path)
    assert (outcome.samples, outcome.steps) == (12, 3)
    tiny.assert_equal(_last(straight), _last(tmp_path))


def test_a_run_that_was_stopped_between_checkpoints_has_the_same_bits_and_one_log(
    people: str, straight: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learn, passes = StructureStage.learn, 0

    def interrupted(self: Any, *given: Any) -> Any:
        nonlocal passes
        passes += 1
        if passes == 6:
            raise KeyboardInterrupt
        return learn(self, *given)

    with monkeypatch.context() as patch:
        patch.setattr(StructureStage, "learn", interrupted)
        with pytest.raises(KeyboardInterrupt):
            tiny.trained(people, tmp_path, checkpoint__every=8)
    tiny.trained(people, tmp_path, checkpoint__every=8)
    tiny.assert_equal(_last(straight), _last(tmp_path))
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["samples"] for line in lines] == [4, 8, 12]
    before = [json.loads(line) for line in (straight / "log.jsonl").read_text().splitlines()]
    assert [line["loss"] for line in lines] == [line["loss"] for line in before]


def test_one_data_worker_before_a_stop_and_two_after_it_change_nothing(
    people: str, straight: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = Loop.step

    def interrupted(self: Any, *given: Any) -> float:
        if self.progress.samples == 8:
            raise KeyboardInterrupt
        return step(self, *given)

    with monkeypatch.context() as patch:
        patch.setattr(Loop, "step", interrupted)
        with pytest.raises(KeyboardInterrupt):
            tiny.trained(people, tmp_path, data__workers=1)
    tiny.trained(people, tmp_path, data__workers=2)
    tiny.assert_equal(_last(straight), _last(tmp_path))


def test_old_checkpoints_go(people: str, tmp_path: Path) -> None:
    tiny.trained(people, tmp_path, checkpoint__keep=2)
    assert RunFolder(tmp_path).checkpoints() == [8, 12]
    assert not list((tmp_path / "checkpoints").glob(".*"))


def test_a_step_without_a_finite_gradient_is_skipped(
    people: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learn = StructureStage.learn

    broken: list[bool] = []
    started = StructureStage.__init__
    handles: list[Any] = []

    def watched(self: Any, *given: Any) -> None:
        started(self, *given)
        weight = next(self.model.parameters())
        handles.append(weight.register_hook(lambda gradient: gradient * (math.nan if broken[0] else 1.0)))

    def learnt(self: Any, model: Any, batch: Any, numbers: Any) -> Any:
        broken[:] = [4 <= numbers[0] < 8]
        return learn(self, model, batch, numbers)

    monkeypatch.setattr(StructureStage, "__init__", watched)
    monkeypatch.setattr(StructureStage, "learn", learnt)
    outcome = tiny.trained(people, tmp_path)
    assert (outcome.steps, outcome.skipped_steps) == (2, 1)
    folder = RunFolder(tmp_path)
    before, after = tiny.tensors(folder.checkpoint(4)), tiny.tensors(folder.checkpoint(8))
    assert all(torch.equal(value, after[name]) for name, value in before.items())


def test_a_gradient_that_stays_broken_ends_the_run_and_its_line_tells_how_to_go_on(
    people: str, straight: Path, tmp_path: Path
) -> None:
    tiny.trained(people, tmp_path, samples=4)
    line = (
        r"the gradient was not finite 10 times in a row, at 48 samples: go on with a smaller optimiser\.lr, or precision=no; "
        rf"if the loss had grown, remove the latest of {tmp_path}/checkpoints before"
    )
    with pytest.raises(UserError, match=line):
        tiny.trained(people, tmp_path, optimiser__lr=1e30, samples=80, checkpoint__keep=99)
    for samples in RunFolder(tmp_path).checkpoints()[1:]:
        shutil.rmtree(RunFolder(tmp_path).checkpoint(samples))
    tiny.trained(people, tmp_path)
    tiny.assert_equal(_last(straight), _last(tmp_path))


@pytest.mark.parametrize("micro_batch", [1, 2])
def test_a_corrupt_picture_is_counted(tmp_path: Path, micro_batch: int) -> None:
    url = make_dataset(tmp_path / "people", 4, 5).url
    row = Dataset(url).images(0).to_pylist()[0]
    with (Path(url) / layout.images_tar(0)).open("r+b") as tar:
        tar.seek(row["jpg_offset"])
        tar.write(bytes(row["jpg_size"]))
    outcome = tiny.trained(url, tmp_path / "run", samples=20, micro_batch=micro_batch)
    assert (outcome.samples, outcome.skipped_samples) == (20, {"corrupt image": 1})
    last = json.loads((tmp_path / "run/log.jsonl").read_text().splitlines()[-1])
    assert last["skipped_samples"] == 1


def test_too_little_memory_is_one_line(people: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def greedy(self: Any, *given: Any) -> Any:
        return torch.empty(2**60)

    tiny.trained(people, tmp_path / "begun", samples=4)
    monkeypatch.setattr(StructureStage, "learn", greedy)
    with pytest.raises(
        UserError,
        match=r"memory is too small for passes of 2 samples: make micro_batch smaller.*, or give smaller data\.buckets",
    ):
        tiny.trained(people, tmp_path / "new")
    with pytest.raises(UserError, match=r"micro_batch smaller.*, or begin another run, with smaller data\.buckets"):
        tiny.trained(people, tmp_path / "begun")


def test_other_settings_cannot_go_on(people: str, tmp_path: Path) -> None:
    tiny.trained(people, tmp_path, samples=4)
    changes: list[tuple[dict[str, Any], str]] = [
        ({"optimiser__eps": 0.1}, r"begun with optimiser\.eps 1e-08, not 0\.1: give the same, or another --out"),
        ({"batch": 8}, "begun with batch 4, not 8: give the same"),
    ]
    for change, line in changes:
        with pytest.raises(UserError, match=line):
            tiny.trained(people, tmp_path, **change)


def test_what_helps_may_change_from_a_checkpoint_on_and_is_told(
    people: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, precisions: None
) -> None:
    learn, numbers = StructureStage.learn, list[int]()

    def noted(self: Any, model: Any, batch: Any, own: Any) -> Any:
        numbers.extend(own)
        return learn(self, model, batch, own)

    monkeypatch.setattr(StructureStage, "learn", noted)
    tiny.trained(people, tmp_path, samples=4)
    conftest.forget_precision()
    said: list[str] = []
    more = tiny.settings(micro_batch=1, optimiser__lr=1e-3, precision="bf16")
    assert run("structure", people, tmp_path, more, say=said.append).samples == 12
    assert said == [
        "micro_batch is 1 from here on, and was 2",
        "optimiser.lr is 0.001 from here on, and was 0.004",
        "precision is bf16 from here on, and was no",
    ]
    assert numbers == list(range(12))
    assert (RunFolder(tmp_path).settings() or {})["micro_batch"] == 1
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["lr"] for line in lines] == [4e-3, 1e-3, 1e-3] and math.isfinite(lines[-1]["loss"])


def test_a_run_without_a_checkpoint_begins_anew_with_any_settings(
    people: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(StructureStage, "learn", _interrupted)
        with pytest.raises(KeyboardInterrupt):
            tiny.trained(people, tmp_path, data__buckets=[32])
    assert (tmp_path / "settings.json").exists()
    tiny.trained(people, tmp_path, samples=4)
    assert (RunFolder(tmp_path).settings() or {})["data.buckets"] == [16]


def _interrupted(*given: Any) -> Any:
    raise KeyboardInterrupt


def test_a_run_that_could_not_begin_leaves_nothing_in_the_way(people: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="patches of 3 x 3"):
        tiny.trained(people, tmp_path, model__vae="patch:3")
    line = r"validation\.samples 50: no bucket of what is looked at has more than 20: give fewer"
    with pytest.raises(UserError, match=line):
        tiny.trained(people, tmp_path, validation__every=4, validation__samples=50, data__buckets=[32])
    assert (tmp_path / "samples.npz").exists()
    assert tiny.trained(people, tmp_path, samples=4).samples == 4


def test_a_run_that_is_done_is_left_as_it_is(people: str, straight: Path) -> None:
    before = tiny.tensors(_last(straight))
    assert tiny.trained(people, straight).samples == 12
    after = tiny.tensors(_last(straight))
    assert all(torch.equal(value, after[name]) for name, value in before.items())


def test_the_learning_rate_rises_over_the_first_samples() -> None:
    settings = OptimiserSettings(lr=1.0, warm_up=8)
    assert [learning_rate(settings, seen) for seen in (2, 4, 8, 100)] == [0.25, 0.5, 1, 1]
    assert learning_rate(OptimiserSettings(lr=1.0), 1) == 1


def test_a_multiple_is_crossed_once() -> None:
    assert [seen for seen in range(0, 40, 3) if crossed(seen - 3, seen, 10)] == [0, 12, 21, 30]
    assert not crossed(0, 100, 0)

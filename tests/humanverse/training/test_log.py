"""The log of a run."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch

from humanverse.models.losses import Losses
from humanverse.training.log import Journal, Meter
from humanverse.training.loop import Loop
from humanverse.training.stage import Told


class _Alone:
    """What of accelerate a meter asks for, in one process."""

    num_processes = 1

    def reduce(self, values: torch.Tensor, how: str) -> torch.Tensor:
        return values


def _told(total: float, errors: list[float], steps: list[int]) -> Told:
    counted = torch.ones(len(errors), dtype=torch.bool)
    losses = Losses(torch.tensor(total), {"rgb": torch.tensor(errors)}, {"rgb": counted})
    return Told(losses, {"rgb": torch.tensor(steps)})


def test_means_by_target_and_band() -> None:
    meter = Meter()
    meter.add(_told(1.0, [1.0, 3.0], [0, 999]), 2)
    meter.add(_told(4.0, [5.0, 7.0], [10, 300]), 2)
    values = meter.values(_Alone())
    assert values["loss"] == 2.5 and values["loss/rgb"] == 4
    assert {name: value for name, value in values.items() if name.startswith("loss/rgb/")} == {
        "loss/rgb/0": 3,
        "loss/rgb/1": 7,
        "loss/rgb/3": 3,
    }
    assert values["wait"] == 0 and values["samples_per_second"] > 0
    meter.reset()
    assert meter.values(_Alone()) == {}


def test_lines_of_a_later_time_are_taken_out(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    journal = Journal(path, 0)
    for samples in (4, 8, 12):
        journal.write({"samples": samples, "loss": math.nan if samples == 8 else 1.5})
    with path.open("a") as file:
        file.write('{"samples": 1')
    Journal(path, 8).write({"samples": 9})
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert lines == [{"samples": 4, "loss": 1.5}, {"samples": 8, "loss": None}, {"samples": 9}]


def test_trackers_are_told(people: str, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    from tests.humanverse.training import tiny

    changes = {"validation__every": 4, "validation__samples": 1, "validation__steps": 1}
    tiny.trained(people, tmp_path, samples=4, log__trackers=["tensorboard"], **changes)
    found = EventAccumulator(str(tmp_path / "humanverse"))
    found.Reload()
    assert [(value.step, value.value > 0) for value in found.Scalars("loss")] == [(4, True)]
    assert found.Tags()["images"] == ["validation"]
    written = json.loads((tmp_path / "log.jsonl").read_text().splitlines()[0])
    parts = {name for name in written if name.startswith("loss/")}
    assert {"loss/rgb", "loss/depth"} < parts and any(name.count("/") == 2 for name in parts)
    for name in parts:
        assert found.Scalars(name)[0].value == pytest.approx(written[name])


def test_what_a_run_told_after_its_last_checkpoint_is_dropped(
    people: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    from tests.humanverse.training import tiny

    def steps() -> list[int]:
        found = EventAccumulator(str(tmp_path / "humanverse"))
        found.Reload()
        return [value.step for value in found.Scalars("loss")]

    own: dict[str, Any] = {"log__trackers": ["tensorboard"], "checkpoint__every": 8}
    step = Loop.step

    def interrupted(self: Any, *given: Any) -> float:
        if self.progress.samples == 12:
            raise KeyboardInterrupt
        return step(self, *given)

    with monkeypatch.context() as patch:
        patch.setattr(Loop, "step", interrupted)
        with pytest.raises(KeyboardInterrupt):
            tiny.trained(people, tmp_path, samples=24, **own)
    assert steps() == [4, 8, 12]
    tiny.trained(people, tmp_path, samples=12, **own)
    assert steps() == [4, 8, 12]

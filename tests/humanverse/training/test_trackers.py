"""Weights & Biases is told what the log has, once it is asked for. The package is a stand-in that writes down what it is told."""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from accelerate import tracking
from accelerate.utils import LoggerType

from humanverse.errors import UserError
from tests.humanverse.training import tiny


class _Wandb(ModuleType):
    """What of the package accelerate uses."""

    def __init__(self) -> None:
        super().__init__("wandb")
        self.__spec__ = ModuleSpec("wandb", None)
        self.begun: list[dict[str, Any]] = []
        self.told: list[tuple[int, dict[str, Any]]] = []
        self.trouble: Exception | None = None

    def init(self, **given: Any) -> Any:
        if self.trouble:
            raise self.trouble
        self.begun.append(given)
        return self

    def log(self, values: dict[str, Any], step: int) -> None:
        self.told.append((step, values))

    def Image(self, picture: Any) -> Any:
        return picture.shape

    def finish(self) -> None:
        pass


@pytest.fixture
def wandb(monkeypatch: pytest.MonkeyPatch) -> _Wandb:
    module = _Wandb()
    monkeypatch.setitem(sys.modules, "wandb", module)
    monkeypatch.setattr(tracking, "_available_trackers", [LoggerType.WANDB])
    return module


def test_a_run_that_goes_on_is_the_same_run_there(people: str, tmp_path: Path, wandb: _Wandb) -> None:
    out = tmp_path / "first"
    told: dict[str, Any] = {
        "validation__every": 4,
        "validation__samples": 1,
        "validation__steps": 1,
        "log__wandb": "people",
    }
    tiny.trained(people, out, samples=4, **told)
    tiny.trained(people, out, samples=8, **told)
    first, second = wandb.begun
    assert (first["project"], first["name"], first["resume"]) == ("people", "first", "allow")
    assert first["id"] == second["id"] and first["config"]["micro_batch"] == 2
    assert [step for step, values in wandb.told if "loss/depth" in values] == [4, 8]
    assert [step for step, values in wandb.told if "validation/depth" in values] == [4, 8]
    pictures = [values["validation"] for _, values in wandb.told if "validation" in values]
    assert pictures == [[(16, 48, 3)]] * 2


def test_what_keeps_it_from_being_told_is_one_line(people: str, tmp_path: Path, wandb: _Wandb) -> None:
    wandb.trouble = RuntimeError("no key\nis known")
    with pytest.raises(UserError, match=r"log\.wandb: RuntimeError: no key is known: log in by `wandb login`"):
        tiny.trained(people, tmp_path, samples=4, log__wandb="people")


def test_another_tracker_s_error_is_not_blamed_on_it(
    people: str, tmp_path: Path, wandb: _Wandb, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(tracker: Any) -> None:
        raise ValueError("a fault of TensorBoard")

    own: dict[str, Any] = {"log__wandb": "people", "log__trackers": ["tensorboard"], "samples": 4}
    monkeypatch.setattr(tracking, "_available_trackers", [LoggerType.WANDB, LoggerType.TENSORBOARD])
    tiny.trained(people, tmp_path / "both", **own)
    assert [step for step, _ in wandb.told] == [4] and len(wandb.begun) == 1
    assert any((tmp_path / "both").rglob("events.out.*"))
    monkeypatch.setattr(tracking.TensorBoardTracker, "start", fails)
    with pytest.raises(ValueError, match="a fault of TensorBoard"):
        tiny.trained(people, tmp_path / "fails", **own)

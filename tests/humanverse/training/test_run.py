"""From settings to a run: what of it stays the same when it goes on, and what the machine decides."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from humanverse.dataset import tombstones
from humanverse.dataset.reader import Dataset
from humanverse.dataset.views import write_view
from humanverse.errors import UserError
from humanverse.loading.processes import DEAD
from humanverse.storage import Store
from humanverse.training import run as running
from humanverse.training.checkpoints import RunFolder
from humanverse.training.structure import StructureStage
from humanverse.training.validation import Validation
from tests.datasets import make_dataset
from tests.humanverse.training import tiny

LOOKED: dict[str, Any] = {"validation__every": 4, "validation__samples": 2, "validation__steps": 1}


def test_validation_stays_with_its_samples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url, out, seen = make_dataset(tmp_path / "people", 4, 5).url, tmp_path / "run", list[list[str]]()

    class Noted(Validation):
        def __init__(self, settings: Any, seed: int, batch: Any) -> None:
            super().__init__(settings, seed, batch)
            seen.append(batch["uids"])

    monkeypatch.setattr(running, "Validation", Noted)
    tiny.trained(url, out, samples=4, **LOOKED)
    everything = [
        uid for shard in Dataset(url).shards() for uid in Dataset(url).images(shard).column("uid").to_pylist()
    ]
    gone = [uid for uid in everything if uid not in seen[0]][::2]
    tombstones.write(Store(url), tombstones.Tombstones(frozenset(gone)), "asked")
    tiny.trained(url, out, samples=8, **LOOKED)
    assert seen[1] == seen[0]
    write_view(Store(url), "even", [], where=["row % 2 = 0"])
    tiny.trained(url, out, samples=12, **LOOKED, validation__view="even")
    tiny.trained(url, out, samples=16, **LOOKED, validation__view="even")
    assert seen[2] == seen[3] != seen[0]


def test_precision_follows_the_device_that_is_taken(
    people: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    settings = tiny.settings(precision="auto")
    assert running._with_precision(settings).precision == "no"


def test_one_step_in_bfloat16_with_gradient_checkpointing_trains(people: str, tmp_path: Path, precisions: None) -> None:
    outcome = tiny.trained(people, tmp_path, samples=8, precision="bf16", gradient_checkpointing=True)
    assert (outcome.steps, outcome.skipped_steps) == (2, 0)
    folder = RunFolder(tmp_path)
    before, after = tiny.tensors(folder.checkpoint(4)), tiny.tensors(folder.checkpoint(8))
    assert all(value.isfinite().all() for value in after.values())
    weights = [name for name in before if name.startswith("unet/")]
    assert all(after[name].dtype == torch.float32 for name in weights)
    assert sum(not torch.equal(before[name], after[name]) for name in weights) > len(weights) / 2


def test_a_process_of_the_data_that_is_killed_during_a_step_is_one_line(
    people: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hears(*given: Any) -> Any:
        raise RuntimeError("DataLoader worker (pid 7) is killed by signal: Killed. ")

    monkeypatch.setattr(StructureStage, "learn", hears)
    with pytest.raises(UserError, match=r"data\.workers of a training") as raised:
        tiny.trained(people, tmp_path)
    assert str(raised.value) == DEAD


def test_a_run_that_has_ended_does_nothing_again_and_notes_no_settings(people: str, tmp_path: Path) -> None:
    first = tiny.trained(people, tmp_path, samples=8)
    before = RunFolder(tmp_path).settings()
    pipeline = Path(first.pipeline) / "model_index.json"
    written = pipeline.stat().st_mtime_ns
    again = tiny.trained(people, tmp_path, samples=8, optimiser__lr=1e-7)
    assert (again.samples, again.steps, again.loss) == (8, first.steps, None)
    assert RunFolder(tmp_path).settings() == before and pipeline.stat().st_mtime_ns == written
    latest = RunFolder(tmp_path).latest()
    assert latest is not None
    latest.touch()
    tiny.trained(people, tmp_path, samples=8)
    assert pipeline.stat().st_mtime_ns > written

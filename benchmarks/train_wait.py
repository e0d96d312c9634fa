"""How long the trainer waits for data: a short run of stage 1 by the trainer itself, and what its own log says."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

from benchmarks.train_step import Size, scaled
from humanverse.model_presets import SD2_BASE
from humanverse.synth import SynthSettings
from humanverse.training.run import run
from humanverse.training.settings import TrainSettings
from pipelines.synth import synth

PICTURES = 64
ENDLESS = 10**9
BEGINNING = 2
"""Steps at the start that do not count: the first batches are waited for, and kernels are chosen."""


@dataclass(frozen=True)
class Waited:
    """Of the steps that count.

    Attributes:
        share: of their time, spent waiting for data.
        samples_per_s: that were trained on.
        steps: that count.
    """

    share: float
    samples_per_s: float
    steps: int


def people(folder: Path, side: int) -> str:
    """A dataset of ``PICTURES`` pictures in ``folder`` with all that stage 1 learns from."""
    synth(str(folder), PICTURES, 1, SynthSettings(size=side, device="cpu"), shard_size=PICTURES // 2, local=True)
    return str(folder)


def settings(size: Size, precision: str) -> TrainSettings:
    """Of a run without end in which nothing but training happens. The patch transform stands for a VAE and costs nothing, so
    that less time is there to read data in than with one."""
    return TrainSettings.model_validate(
        {
            "data": {"buckets": [size.side], "captions": {"caption": 1}},
            "model": {
                "unet": scaled(SD2_BASE, size.width),
                "vae": "patch:8",
                "text": "untrained",
                "statistics_samples": size.batch,
            },
            "ema": {"half_life": 0},
            "validation": {"every": 0},
            "checkpoint": {"every": ENDLESS},
            "log": {"every": size.batch},
            "batch": size.batch,
            "micro_batch": size.batch,
            "samples": ENDLESS,
            "precision": precision,
        }
    )


class _Enough(Exception):
    """The run is to end here, without a checkpoint."""


@dataclass
class _Heard:
    """The run's log as it comes, a line for each step.

    Attributes:
        most: lines after which the run ends.
    """

    most: int
    lines: list[Mapping[str, float]] = field(default_factory=list)

    def __call__(self, values: Mapping[str, float]) -> None:
        if "wait" in values:
            self.lines.append(values)
        if len(self.lines) == self.most:
            raise _Enough


def waited(dataset: str, folder: Path, made: TrainSettings, device: str, steps: int) -> Waited:
    """Train in ``folder`` on ``device`` for a number of steps.

    Raises:
        UserError: if the dataset lacks a layer.
    """
    heard = _Heard(steps)
    own = {"ACCELERATE_USE_CPU": str(device == "cpu")}
    with mock.patch.dict(os.environ, own), contextlib.suppress(_Enough):
        run("structure", dataset, folder, made, heard)
    return of_log(heard.lines, made.batch)


def of_log(lines: Sequence[Mapping[str, float]], batch: int) -> Waited:
    """What lines of one step each say together, without ``BEGINNING``."""
    counted = lines[BEGINNING:]
    seconds = [batch / line["samples_per_second"] for line in counted]
    waiting = sum(line["wait"] * took for line, took in zip(counted, seconds, strict=True))
    return Waited(waiting / sum(seconds), batch * len(counted) / sum(seconds), len(counted))

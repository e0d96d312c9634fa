"""From settings to a run: processes, precision, stage and data, made ready for the loop."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import torch

from humanverse.dataset.reader import Dataset
from humanverse.errors import UserError
from humanverse.loading.index import load_index
from humanverse.loading.loader import Loader
from humanverse.loading.stream import Pace
from humanverse.training import parts, stopping, trackers
from humanverse.training.caches import Caches, find
from humanverse.training.checkpoints import INDEX, RunFolder
from humanverse.training.loop import Loop, Tell
from humanverse.training.refiner import RefinerStage
from humanverse.training.settings import TrainSettings, check_same, check_stage
from humanverse.training.stage import Stage
from humanverse.training.structure import StructureStage
from humanverse.training.trouble import told_in_one_line
from humanverse.training.validation import Validation


class MakeStage(Protocol):
    """How a stage is made: settings, a checkpoint's folder or None, device."""

    def __call__(self, settings: TrainSettings, saved: Path | None, device: torch.device) -> Stage: ...


STAGES: Mapping[str, MakeStage] = {"structure": StructureStage, "refiner": RefinerStage}
"""What can be trained."""


@dataclass
class Outcome:
    """What a run came to.

    Attributes:
        samples: seen, of the whole run.
        steps: taken.
        skipped_steps: whose gradient was not finite.
        skipped_samples: why samples could not be had -> how many, in the main process since it started.
        loss: of the last log line.
        pipeline: the result's folder.
        seconds: since it started.
    """

    samples: int
    steps: int
    skipped_steps: int
    loss: float | None
    pipeline: str
    seconds: float
    skipped_samples: dict[str, int] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "seconds": round(self.seconds, 3)}


def run(
    name: str,
    url: str,
    out: Path,
    settings: TrainSettings,
    tell: Tell = lambda values: None,
    place: Callable[[str], str] = lambda base: base,
    say: Callable[[str], None] = lambda line: None,
) -> Outcome:
    """Train stage ``name`` on the dataset at ``url``, or go on where the run at ``out`` stopped.

    Args:
        name: of ``STAGES``.
        url: of the dataset.
        out: folder of the run.
        settings: of the run.
        tell: is told how it goes, in the main process.
        place: see ``parts.placed``.
        say: is told lines about how it begins, in the main process.

    Raises:
        UserError: for whatever the user can mend.
        Stopped: after Ctrl-C or SIGTERM, with a checkpoint of the steps that were taken; the second ends it at once.
    """
    began = time.monotonic()
    check_stage(name, settings)
    settings = _with_precision(settings)
    accelerator = _accelerator(settings, out)
    facts = {"stage": name, **settings.decisive()}
    folder = _opened(out, facts, accelerator)
    with told_in_one_line(settings):
        stage = STAGES[name](_placed(settings, place), folder.latest(), accelerator.device)
    dataset = Dataset(url)
    cached = _cached(dataset, stage, settings, folder, say if accelerator.is_main_process else lambda line: None)
    loader = _loader(dataset, cached, settings, folder)
    if folder.latest() is None:
        passes = math.ceil(settings.model.statistics_samples / settings.micro_batch)
        all_of_it = _loader(dataset, cached, settings, folder, rank=0, world_size=1)
        with accelerator.autocast(), told_in_one_line(settings):
            stage.prepare(islice(all_of_it, min(passes, loader.batches_per_epoch)))
    validation = _validation(dataset, stage, settings) if settings.validation.every else None
    with told_in_one_line(settings):
        loop = Loop(stage, loader, settings, folder, accelerator, validation, tell)
    if accelerator.is_main_process:
        folder.write_settings(facts)
    trackers.start(accelerator, settings.log, out, facts)
    _run(loop, say if accelerator.is_main_process else lambda line: None)
    done = loop.progress
    return Outcome(
        done.samples,
        done.steps,
        done.skipped_steps,
        loop.told.get("loss"),
        str(loop.pipeline),
        time.monotonic() - began,
        dict(loader.skipped),
    )


def _run(loop: Loop, say: Callable[[str], None]) -> None:
    """Run the loop to the end, or until the user wants it to stop."""
    try:
        with stopping.heard(say) as stop:
            loop.run(stop)
    except stopping.Stopped:
        say(f"train: {loop.progress.samples} of {loop.settings.samples} samples are kept, in {loop.folder.latest()}")
        raise


def _with_precision(settings: TrainSettings) -> TrainSettings:
    """The settings with ``auto`` made out."""
    if settings.precision != "auto":
        return settings
    return settings.model_copy(update={"precision": "bf16" if torch.cuda.is_available() else "no"})


def _placed(settings: TrainSettings, place: Callable[[str], str]) -> TrainSettings:
    """The settings with folders of this machine."""
    return settings.model_copy(update={"model": parts.placed(settings.model, place)})


def _accelerator(settings: TrainSettings, out: Path) -> Any:
    from accelerate import Accelerator
    from accelerate.utils import DistributedType

    joined_on_cpu = int(os.environ.get("WORLD_SIZE", "1")) > 1 and not torch.accelerator.is_available()
    accelerator = Accelerator(
        mixed_precision=settings.precision,
        log_with=trackers.asked(settings.log) or None,
        project_dir=str(out),
        cpu=joined_on_cpu,
    )
    known = (DistributedType.NO, DistributedType.MULTI_CPU, DistributedType.MULTI_GPU)
    if accelerator.distributed_type not in known:
        raise UserError(
            f"launched as {accelerator.distributed_type.value}: launch plain data-parallel processes; "
            "they share the weights with sharding=fsdp"
        )
    of_a_pass = settings.micro_batch * accelerator.num_processes
    if settings.batch % of_a_pass:
        raise UserError(
            f"batch {settings.batch} is no multiple of micro_batch {settings.micro_batch} x "
            f"{accelerator.num_processes} processes: change one of them"
        )
    accelerator.gradient_accumulation_steps = settings.batch // of_a_pass
    return accelerator


def _opened(out: Path, facts: Mapping[str, Any], accelerator: Any) -> RunFolder:
    """The run's folder, which is new or was begun with ``facts``."""
    with accelerator.main_process_first():
        folder = RunFolder(out)
        if accelerator.is_main_process:
            folder.forget_failed()
    before = folder.settings()
    if before is not None:
        check_same(before, facts, f"--out {out}")
    return folder


def _cached(
    dataset: Dataset, stage: Stage, settings: TrainSettings, folder: RunFolder, say: Callable[[str], None]
) -> Caches:
    """The layers that stand for what VAE and text encoder say; these rest if nothing is left to them."""
    encoding, begun = stage.encoding, load_index(str(folder.path / INDEX))
    shards = None if begun is None else begun.shards.tolist()
    found = find(dataset.select(settings.data.view), settings, encoding, stage.layers, shards)
    for line in found.said:
        say(line)
    resting = [encoding.vae] if found.latents.keys() >= {*encoding.pictures} else []
    resting += [encoding.text[0]] if encoding.text and found.prompts else []
    encoding.rest(*resting)
    return found


def _loader(dataset: Dataset, cached: Caches, settings: TrainSettings, folder: RunFolder, **processes: int) -> Loader:
    """Of this process's share of the batches, or of what ``processes`` (``rank``, ``world_size``) says."""
    data = settings.data
    return dataset.to_torch(
        data.view,
        layers=cached.layers,
        captions=data.captions,
        buckets=data.buckets,
        batch_size=settings.micro_batch,
        seed=settings.seed,
        flip=data.flip,
        crop=data.crop,
        latents=cached.latents,
        prompts=cached.prompts,
        index=str(folder.path / INDEX),
        **processes,
        pace=Pace(threads=data.threads, ahead=data.ahead, processes=data.workers),
    )


def _validation(dataset: Dataset, stage: Stage, settings: TrainSettings) -> Validation:
    own = settings.validation
    loader = dataset.to_torch(
        settings.data.view if own.view is None else own.view,
        layers=stage.layers,
        captions=settings.data.captions,
        buckets=settings.data.buckets,
        batch_size=own.samples,
        seed=settings.seed,
        crop=settings.data.crop,
        rank=0,
        world_size=1,
        pace=Pace(ahead=1),
    )
    return Validation(own, settings.seed, next(iter(loader)))

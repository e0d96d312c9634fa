"""From settings to a run: processes, precision, stage and data, made ready for the loop."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack, nullcontext
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import torch

from humanverse.dataset.reader import Dataset
from humanverse.errors import UserError
from humanverse.loading.index import load_index, view_of
from humanverse.loading.loader import Loader
from humanverse.loading.order import TooFewSamples
from humanverse.loading.stream import Pace
from humanverse.plurals import plural, word
from humanverse.training import named, stopping, trackers
from humanverse.training.caches import Caches, find
from humanverse.training.checkpoints import INDEX, VALIDATION_INDEX, RunFolder
from humanverse.training.layer_choice import check_chosen
from humanverse.training.lock import only_one
from humanverse.training.loop import Loop, Tell
from humanverse.training.outcome import Outcome, ended
from humanverse.training.refiner import RefinerStage
from humanverse.training.settings import TrainSettings, changed, check_same, check_stage
from humanverse.training.stage import Stage
from humanverse.training.structure import StructureStage
from humanverse.training.trouble import told_in_one_line
from humanverse.training.validation import Validation


class MakeStage(Protocol):
    """How a stage is made: settings, a checkpoint's folder or None, device."""

    def __call__(self, settings: TrainSettings, saved: Path | None, device: torch.device) -> Stage: ...


STAGES: Mapping[str, MakeStage] = {"structure": StructureStage, "refiner": RefinerStage}
"""What can be trained."""


def run(
    name: str,
    url: str,
    out: Path,
    settings: TrainSettings,
    tell: Tell = lambda values: None,
    place: Callable[[str], str] = lambda base: base,
    say: Callable[[str], None] = lambda line: None,
    stop: stopping.Stop | None = None,
) -> Outcome:
    """Train stage ``name`` on the dataset at ``url``, or go on where the run at ``out`` stopped.

    Args:
        name: of ``STAGES``.
        url: of the dataset.
        out: folder of the run.
        settings: of the run.
        tell: is told how it goes, in the main process.
        place: see ``named.placed``.
        say: is told lines about how it begins, in the main process.
        stop: says whether the run is to end after a step; None: Ctrl-C and SIGTERM do.

    Raises:
        UserError: for whatever the user can mend.
        Stopped: after Ctrl-C or SIGTERM, with a checkpoint of the steps that were taken; the second ends it at once.
    """
    check_stage(name, settings)
    settings = _with_precision(settings)
    accelerator = _accelerator(settings, out)
    say = say if accelerator.is_main_process else lambda line: None
    with ExitStack() as held:
        folder = _opened(out, accelerator, held.enter_context, say)
        return _trained(name, url, folder, settings, accelerator, tell, place, say, stop)


def _trained(
    name: str,
    url: str,
    folder: RunFolder,
    settings: TrainSettings,
    accelerator: Any,
    tell: Tell,
    place: Callable[[str], str],
    say: Callable[[str], None],
    stop: stopping.Stop | None,
) -> Outcome:
    """See ``run``, in a folder that is this run's alone."""
    began = time.monotonic()
    facts = {"stage": name, **settings.decisive()}
    before = folder.to_go_on_with()
    if before is not None:
        check_same(before, facts, f"--out {folder.path}")
        done = ended(folder, settings.samples)
        if done is not None:
            return done
        for line in changed(before, facts):
            say(line)
    with told_in_one_line(settings, folder):
        stage = STAGES[name](_placed(settings, place), folder.latest(), accelerator.device)
    dataset = Dataset(url)
    check_chosen(dataset.select(settings.data.view), stage.layers)
    cached = _cached(dataset, stage, settings, folder, say)
    loader = _loader(dataset, cached, settings, folder)
    if folder.latest() is None:
        passes = math.ceil(settings.model.statistics_samples / settings.micro_batch)
        all_of_it = _loader(dataset, cached, settings, folder, rank=0, world_size=1)
        with accelerator.autocast(), told_in_one_line(settings, folder):
            stage.prepare(islice(all_of_it, min(passes, loader.batches_per_epoch)))
    validation = _validation(dataset, stage, settings, folder, accelerator)
    with told_in_one_line(settings, folder):
        loop = Loop(stage, loader, settings, folder, accelerator, validation, tell)
    if accelerator.is_main_process:
        folder.write_settings(facts)
    trackers.start(accelerator, settings.log, folder.path, facts, max(folder.checkpoints(), default=0))
    _run(loop, say, stop)
    taken = loop.progress
    return Outcome(
        taken.samples,
        taken.steps,
        taken.skipped_steps,
        loop.told.get("loss"),
        str(loop.pipeline),
        time.monotonic() - began,
        dict(loader.skipped),
    )


def _run(loop: Loop, say: Callable[[str], None], stop: stopping.Stop | None) -> None:
    """Run the loop to the end, or until the user wants it to stop."""
    try:
        with stopping.heard(say) if stop is None else nullcontext(stop) as asked:
            loop.run(asked)
    except stopping.Stopped:
        say(
            f"train: {loop.progress.samples} of {plural(loop.settings.samples, 'sample')} "
            f"{word(loop.progress.samples, 'is', 'are')} kept, in {loop.folder.latest()}"
        )
        raise


def _with_precision(settings: TrainSettings) -> TrainSettings:
    """The settings with ``auto`` made out: by the device that accelerate takes, which need not be a GPU that is there."""
    from accelerate import PartialState
    from accelerate.utils import parse_flag_from_env

    if settings.precision != "auto":
        return settings
    device = PartialState(cpu=_is_joined_on_cpu() or parse_flag_from_env("ACCELERATE_USE_CPU")).device
    return settings.model_copy(update={"precision": "bf16" if device.type == "cuda" else "no"})


def _is_joined_on_cpu() -> bool:
    """Whether this is one of several processes, without accelerators."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1 and not torch.accelerator.is_available()


def _placed(settings: TrainSettings, place: Callable[[str], str]) -> TrainSettings:
    """The settings with folders of this machine."""
    return settings.model_copy(update={"model": named.placed(settings.model, place)})


def _accelerator(settings: TrainSettings, out: Path) -> Any:
    from accelerate import Accelerator
    from accelerate.utils import DistributedType

    accelerator = Accelerator(
        mixed_precision=settings.precision,
        log_with=trackers.asked(settings.log) or None,
        project_dir=str(out),
        cpu=_is_joined_on_cpu(),
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


def _opened(
    out: Path, accelerator: Any, hold: Callable[[AbstractContextManager[None]], None], say: Callable[[str], None]
) -> RunFolder:
    """The run's folder, for this run alone.

    Args:
        hold: is given the main process's lock.
        say: is told that it is waited for.
    """
    if accelerator.is_main_process:
        folder = RunFolder(out)
        hold(only_one(out, say))
        folder.forget_failed()
    accelerator.wait_for_everyone()
    return RunFolder(out)


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


def _validation(
    dataset: Dataset, stage: Stage, settings: TrainSettings, folder: RunFolder, accelerator: Any
) -> Validation | None:
    """What is looked at, in the processes that look: the main one, or all if they share the weights."""
    own, main = settings.validation, accelerator.is_main_process
    together = settings.sharding == "fsdp" and accelerator.num_processes > 1
    if not own.every or not (main or together):
        return None
    if together and not main:
        accelerator.wait_for_everyone()
    try:
        loader = _validation_loader(dataset, stage, settings, folder)
    finally:
        if together and main:
            accelerator.wait_for_everyone()
    return Validation(own, settings.seed, next(iter(loader)))


def _validation_loader(dataset: Dataset, stage: Stage, settings: TrainSettings, folder: RunFolder) -> Loader:
    """Of samples that stay the same until another view is asked for."""
    own, path = settings.validation, folder.path / VALIDATION_INDEX
    selection = dataset.select(settings.data.view if own.view is None else own.view)
    kept = load_index(str(path))
    if kept is not None and kept.view != view_of(selection):
        path.unlink(missing_ok=True)
    try:
        return dataset.to_torch(
            selection,
            layers=stage.layers,
            captions=settings.data.captions,
            buckets=settings.data.buckets,
            batch_size=own.samples,
            seed=settings.seed,
            crop=settings.data.crop,
            index=str(path),
            rank=0,
            world_size=1,
            pace=Pace(ahead=1),
        )
    except TooFewSamples as error:
        raise UserError(
            f"validation.samples {own.samples}: no bucket of what is looked at has more than {error.most}: give fewer"
        ) from error

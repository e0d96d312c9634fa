"""The training loop. Samples seen drive all of it: learning rate, average, log, validation, checkpoints and the end."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from humanverse.errors import UserError
from humanverse.loading.loader import Loader
from humanverse.plurals import plural
from humanverse.training import sharding
from humanverse.training.checkpoints import (
    AVERAGE,
    LOG,
    PIPELINE,
    RunFolder,
    read_state,
    write_state,
    written_at_once,
)
from humanverse.training.ema import Ema
from humanverse.training.full_disk import size_of, told_if_full
from humanverse.training.log import Journal, Meter
from humanverse.training.settings import OptimiserSettings, TrainSettings
from humanverse.training.stage import Stage
from humanverse.training.stopping import Stop, Stopped
from humanverse.training.trouble import told_in_one_line
from humanverse.training.validation import Validation, write_picture

Tell = Callable[[Mapping[str, float]], None]
"""Told the log's values, and after each step ``samples`` alone."""
_OPTIMISER = "optimiser.pt"


@dataclass
class Progress:
    """What a run has done; kept in checkpoints.

    Attributes:
        samples: seen.
        steps: that were taken.
        skipped_steps: whose gradient was not finite.
        in_a_row: of these, the last without a good one between.
    """

    samples: int = 0
    steps: int = 0
    skipped_steps: int = 0
    in_a_row: int = 0


def learning_rate(settings: OptimiserSettings, seen: int) -> float:
    """After ``seen`` samples: constant, after a linear rise over ``warm_up`` samples."""
    return settings.lr * (min(1.0, seen / settings.warm_up) if settings.warm_up else 1.0)


def crossed(before: int, now: int, every: int) -> bool:
    """Whether a multiple of ``every`` lies above ``before`` and not above ``now``; never if ``every`` is 0."""
    return every > 0 and now // every > before // every


class Loop:
    """A run of one stage.

    Args:
        stage: what is learnt.
        loader: of batches of ``settings.micro_batch`` samples.
        settings: of the run.
        folder: where it is kept.
        accelerator: accelerate's, which has the processes and the precision.
        validation: what is looked at now and then; None in processes that do not look.
        tell: is told how it goes, in the main process.
    """

    def __init__(
        self,
        stage: Stage,
        loader: Loader,
        settings: TrainSettings,
        folder: RunFolder,
        accelerator: Any,
        validation: Validation | None,
        tell: Tell,
    ) -> None:
        self.stage, self.loader, self.settings, self.folder = stage, loader, settings, folder
        self.accelerator, self.validation, self.tell = accelerator, validation, tell
        self.shared = settings.sharding == "fsdp" and accelerator.num_processes > 1
        for network in stage.networks:
            if settings.compile:
                network.compile(backend=settings.compile_backend)
            if self.shared:
                sharding.share(network, accelerator.device)
        own = settings.optimiser
        trained = [weight for weight in stage.model.parameters() if weight.requires_grad]
        optimiser = torch.optim.AdamW(
            trained, lr=own.lr, betas=own.betas, eps=own.eps, weight_decay=own.weight_decay, fused=True
        )
        self.model = stage.model if self.shared else accelerator.prepare(stage.model)
        self.optimiser = accelerator.prepare(optimiser)
        self.ema = Ema(stage.model, settings.ema.half_life, settings.ema.ramp) if settings.ema.half_life else None
        self.progress, self.meter = Progress(), Meter()
        self.told: dict[str, float] = {}

    def run(self, stop: Stop | None = None) -> None:
        """Train from where the folder's latest checkpoint is, or from the beginning, to the end.

        Args:
            stop: says whether the run is to end after a step.

        Raises:
            UserError: if memory is short, or gradients stay not finite.
            Stopped: if it was to end; a checkpoint has all steps that were taken.
        """
        stop = stop or Stop()
        self.resume()
        settings, progress, main = self.settings, self.progress, self.accelerator.is_main_process
        journal = Journal(self.folder.path / LOG, progress.samples) if main else None
        batches = iter(self.loader)
        self.meter.reset()
        while progress.samples < settings.samples:
            before = progress.samples
            norm = self.step(batches)
            progress.samples += settings.batch
            last = progress.samples >= settings.samples

            if main:
                self.tell({"samples": progress.samples})
            if last or crossed(before, progress.samples, settings.log.every):
                self.log(journal, norm)
            if settings.validation.every and (last or crossed(before, progress.samples, settings.validation.every)):
                self.validate(journal)
            stopped = not last and stop.agreed(self.accelerator)
            if last or stopped or crossed(before, progress.samples, settings.checkpoint.every):
                self.save()
            if stopped:
                self.accelerator.end_training()
                raise Stopped
            self.refuse_endless_skipping()
        self.finish()

    def step(self, batches: Iterator[Mapping[str, Any]]) -> float:
        """One step of the optimiser over ``batch`` samples of all processes; the gradient's norm.

        If that is not finite, the step is not taken.
        """
        settings, progress, accelerator = self.settings, self.progress, self.accelerator
        rate = learning_rate(settings.optimiser, progress.samples + settings.batch)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        with told_in_one_line(settings, self.folder):
            for _ in range(accelerator.gradient_accumulation_steps):
                waiting = time.monotonic()
                batch = next(batches)
                self.meter.waited += time.monotonic() - waiting
                first = batch["batch"] * settings.micro_batch
                numbers = range(first, first + settings.micro_batch)
                with accelerator.accumulate(self.model):
                    with accelerator.autocast():
                        told = self.stage.learn(self.model, batch, numbers)
                    accelerator.backward(told.losses.total)
                self.meter.add(told, settings.micro_batch)
            norm = accelerator.clip_grad_norm_(self.model.parameters(), settings.optimiser.clip)
            norm = float(sharding.whole(norm, keep=True))
            if math.isfinite(norm):
                self.optimiser.step()
                progress.steps, progress.in_a_row = progress.steps + 1, 0
                if self.ema:
                    self.ema.update(self.stage.model, progress.samples + settings.batch, settings.batch)
            else:
                progress.skipped_steps, progress.in_a_row = progress.skipped_steps + 1, progress.in_a_row + 1
            self.optimiser.zero_grad()
        return norm

    def refuse_endless_skipping(self) -> None:
        """Stop where nothing is learnt any more.

        Raises:
            UserError: if the last ``patience`` steps were all skipped.
        """
        if self.progress.in_a_row >= self.settings.optimiser.patience:
            raise UserError(
                f"the gradient was not finite {plural(self.progress.in_a_row, 'time')} in a row, at "
                f"{plural(self.progress.samples, 'sample')}: "
                "go on with a smaller optimiser.lr, or precision=no; if the loss had grown, remove the latest of "
                f"{self.folder.path / 'checkpoints'} before"
            )

    def log(self, journal: Journal | None, norm: float) -> None:
        """Write a line of what came together since the last, and begin the next."""
        accelerator = self.accelerator
        skipped = torch.tensor(sum(self.loader.skipped.values()), device=accelerator.device)
        values: dict[str, float] = {
            **self.meter.values(accelerator),
            "lr": self.optimiser.param_groups[0]["lr"],
            "gradient_norm": norm,
            "skipped_steps": self.progress.skipped_steps,
            "skipped_samples": int(accelerator.reduce(skipped, "sum")),
        }
        self.meter.reset()
        self.told = values
        if journal:
            journal.write({"samples": self.progress.samples, "steps": self.progress.steps, **values})
            self.tell({"samples": self.progress.samples, **values})
        accelerator.log(values, step=self.progress.samples)

    def validate(self, journal: Journal | None) -> None:
        """Losses and pictures of the averaged weights, made by the main process while the others wait, or compute with it where
        they have a share of the weights. Nothing is compiled for it."""
        began = time.monotonic()
        if self.validation:
            plain = torch.compiler.set_stance("force_eager") if self.settings.compile else nullcontext()
            with self._averaged(), self.accelerator.autocast(), told_in_one_line(self.settings, self.folder), plain:
                values, grid = self.validation.look(self.stage)
        if self.validation and journal:
            write_picture(grid, self.folder.path, self.progress.samples)
            journal.write({"samples": self.progress.samples, **values})
            self.accelerator.log(values, step=self.progress.samples)
            self.validation.show(self.accelerator.trackers, grid, self.progress.samples)
        self.accelerator.wait_for_everyone()
        self.meter.exclude(time.monotonic() - began)

    def save(self) -> None:
        """A checkpoint: parts, average, optimiser and progress. All randomness follows from the settings."""
        main = self.accelerator.is_main_process
        parts = self._whole_parts()
        averaged = sharding.whole(self.ema.state_dict(), main) if self.ema else {}
        optimiser = sharding.whole(self.optimiser.state_dict(), main)
        if main:
            size = partial(size_of, [parts, averaged, optimiser])
            final = self.folder.checkpoint(self.progress.samples)
            with told_if_full("a checkpoint takes about", self.folder, size), written_at_once(final) as folder:
                for name, part in parts.items():
                    part.save_pretrained(folder / name, max_shard_size="100GB")
                if averaged:
                    save_file(averaged, folder / AVERAGE)
                torch.save(optimiser, folder / _OPTIMISER)
                write_state(folder, {"progress": asdict(self.progress), "loader": self.loader.state_dict()})
            self.folder.prune(self.settings.checkpoint.keep)
        self.accelerator.wait_for_everyone()

    def resume(self) -> None:
        """Go on from the latest checkpoint, if there is one; its parts are the stage's already.

        Raises:
            UserError: if the data are others than the run began with.
        """
        folder = self.folder.latest()
        if folder is None:
            return
        state = read_state(folder)
        self.progress = Progress(**state["progress"])
        self.loader.load_state_dict(state["loader"], resize=True)
        device = "cpu" if self.shared else self.accelerator.device
        held = torch.load(folder / _OPTIMISER, map_location=device, weights_only=True)
        weights = self.optimiser.param_groups[0]["params"]
        for place, values in held["state"].items():
            held["state"][place] = {name: sharding.like(weights[place], value) for name, value in values.items()}
        self.optimiser.load_state_dict(held)
        if self.ema:
            self.ema.load_state_dict(load_file(folder / AVERAGE, device=str(device)))

    def finish(self) -> None:
        """Write the pipeline, with averaged weights if there are any."""
        with self._averaged():
            parts = self._whole_parts()
            if self.accelerator.is_main_process:
                size = partial(size_of, parts)
                with (
                    told_if_full("the pipeline takes more than", self.folder, size),
                    written_at_once(self.pipeline) as folder,
                ):
                    self.stage.save(folder, parts)
                    write_state(folder, {"progress": asdict(self.progress)})
        self.accelerator.end_training()

    def _whole_parts(self) -> dict[str, Any]:
        """The stage's parts as they can be saved, for the main process; all processes must ask."""
        main = self.accelerator.is_main_process
        return {name: sharding.whole_part(part, main) for name, part in self.stage.parts.items()}

    @property
    def pipeline(self) -> Path:
        """Where the result is."""
        return self.folder.path / PIPELINE

    def _averaged(self) -> Any:
        return self.ema.shown(self.stage.model) if self.ema else nullcontext()

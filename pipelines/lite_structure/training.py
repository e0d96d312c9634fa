"""Trains the lite structure network on cached examples.

Everything that is drawn is drawn from the seed, the step and the place in the batch, so that a run that was stopped and goes on
from its checkpoint ends with the same weights, to the bit on the same kind of processor.
"""

from __future__ import annotations

import copy
import json
import math
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from annotators.networks.lite_structure import MULTIPLE, LiteStructureNet
from humanverse.errors import UserError
from pipelines.lite_structure.examples import load
from pipelines.lite_structure.losses import losses, total
from pipelines.lite_structure.pixels import Backdrops
from pipelines.lite_structure.views import View, varied

WARM_UP = 0.03
"""Share of the steps in which the learning rate grows."""
KEPT = 0.998
"""Share of the averaged weights that each step keeps; less in the first steps."""
Batch = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Settings:
    """Attributes:
    seed: of the first weights, and of all that is drawn.
    steps: of the whole run.
    stages: (share of the steps, side of the window in pixels, batch), one after the other.
    rate: the highest learning rate.
    decay: of the weights (Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019).
    """

    seed: int = 0
    steps: int = 2080
    stages: tuple[tuple[float, int, int], ...] = ((0.3, 96, 32), (0.25, 128, 24), (0.45, 192, 12))
    rate: float = 2e-3
    decay: float = 0.02

    def __post_init__(self) -> None:
        if any(side % MULTIPLE or batch < 2 for _, side, batch in self.stages):
            raise UserError(f"stages {self.stages}: sides must be multiples of {MULTIPLE}, and batches 2 or more")

    def stage(self, step: int) -> tuple[int, int]:
        """(side, batch) of a step."""
        ends = np.cumsum([share for share, _, _ in self.stages])
        place = int(np.searchsorted(ends, step / self.steps, side="right"))
        _, side, batch = self.stages[min(place, len(self.stages) - 1)]
        return side, batch

    def rate_at(self, step: int) -> float:
        """The learning rate: a straight line up, then half a cosine down to nothing."""
        warm = max(1, round(WARM_UP * self.steps))
        if step < warm:
            return self.rate * (step + 1) / warm
        return self.rate * 0.5 * (1 + math.cos(math.pi * (step - warm) / max(self.steps - warm, 1)))


class _Steps:
    """The batches of steps ``first`` to the last, as lists of (step, place, side)."""

    def __init__(self, settings: Settings, first: int) -> None:
        self._settings, self._first = settings, first

    def __len__(self) -> int:
        return self._settings.steps - self._first

    def __iter__(self) -> Iterator[list[tuple[int, int, int]]]:
        for step in range(self._first, self._settings.steps):
            side, batch = self._settings.stage(step)
            yield [(step, place, side) for place in range(batch)]


class _Views(Dataset[View]):
    """The view at a place of a step's batch."""

    def __init__(self, paths: list[Path], seed: int, backgrounds: Path | None) -> None:
        self._paths, self._seed, self._backdrop = paths, seed, Backdrops(backgrounds)

    def __getitem__(self, at: tuple[int, int, int]) -> View:
        step, place, side = at
        rng = np.random.default_rng([self._seed, step, place])
        return varied(load(self._paths[int(rng.integers(len(self._paths)))]), rng, side, self._backdrop)


def batch_of(views: list[View]) -> Batch:
    """Views as the tensors that ``losses`` takes, and ``input``."""
    names = ("input", "depth", "normal", "people", "known")
    return {name: torch.from_numpy(np.stack([getattr(view, name) for view in views])) for name in names}


def _single_threaded(_worker: int) -> None:
    import cv2

    cv2.setNumThreads(1)
    torch.set_num_threads(1)


class Training:
    """A run: its network, the average of its weights that is kept, and how far it is."""

    def __init__(self, settings: Settings, device: str = "cpu") -> None:
        self.settings, self.device, self.step = settings, device, 0
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            network = LiteStructureNet()
        self.network = network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.averaged = copy.deepcopy(self.network).eval().requires_grad_(False)
        self.optimizer = torch.optim.AdamW(self.network.parameters(), settings.rate, weight_decay=settings.decay)

    def learn(self, batch: Batch) -> dict[str, float]:
        """One step; the losses by name."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.settings.rate_at(self.step)
        self.network.train()
        here = {name: values.to(self.device) for name, values in batch.items()}
        said = self.network(here["input"].contiguous(memory_format=torch.channels_last))
        parts = losses(said, here)
        self.optimizer.zero_grad(set_to_none=True)
        total(parts).backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimizer.step()
        self._average()
        self.step += 1
        return {name: float(part.detach()) for name, part in parts.items()}

    @torch.no_grad()
    def _average(self) -> None:
        kept = min(KEPT, (1 + self.step) / (10 + self.step))
        for mine, new in zip(self.averaged.parameters(), self.network.parameters(), strict=True):
            mine.lerp_(new, 1 - kept)
        for mine, new in zip(self.averaged.buffers(), self.network.buffers(), strict=True):
            mine.lerp_(new, 1 - kept) if mine.is_floating_point() else mine.copy_(new)

    @torch.no_grad()
    def estimate(self, inputs: np.ndarray) -> np.ndarray:
        """What the averaged network says: float32 (n, 8, side, side) -> (n, 5, side, side)."""
        given = torch.from_numpy(inputs).to(self.device).contiguous(memory_format=torch.channels_last)
        said: np.ndarray = self.averaged(given).cpu().numpy()
        return said

    def save(self, path: Path) -> None:
        """Write a checkpoint, whole or not at all."""
        part = path.with_name(f".{os.getpid()}-{path.name}")
        networks = {"network": self.network.state_dict(), "averaged": self.averaged.state_dict()}
        torch.save({**networks, "optimizer": self.optimizer.state_dict(), "step": self.step}, part)
        part.replace(path)

    def resume(self, path: Path) -> None:
        """Go on from a checkpoint of the same settings."""
        kept: dict[str, Any] = torch.load(path, map_location=self.device, weights_only=True)
        self.network.load_state_dict(kept["network"])
        self.averaged.load_state_dict(kept["averaged"])
        self.optimizer.load_state_dict(kept["optimizer"])
        self.step = int(kept["step"])


def best_device() -> str:
    return "cuda" if torch.cuda.is_available() else "cpu"


def train(
    paths: list[Path],
    run: Path,
    settings: Settings,
    backgrounds: Path | None = None,
    workers: int = 1,
    every: int = 250,
    device: str | None = None,
    told: Callable[[dict[str, float], Training], None] = lambda figures, training: None,
) -> Training:
    """Train to the last step, from the checkpoint in ``run`` if there is one.

    Args:
        paths: examples (``pipelines.lite_structure.examples``).
        run: folder of the checkpoint ``last.pt`` and of ``settings.json``.
        backgrounds: folder of photographs without people.
        workers: processes that make views; 0: none but this one.
        every: steps from one checkpoint, and line of ``told``, to the next.
        told: is given the mean losses of the steps since it was last called, and the training.

    Raises:
        UserError: if ``run`` holds a run of other settings.
    """
    training = Training(settings, device or best_device())
    _same_settings(run, settings)
    if (run / "last.pt").exists():
        training.resume(run / "last.pt")
    loader: DataLoader[Any] = DataLoader(
        _Views(paths, settings.seed, backgrounds), batch_sampler=_Steps(settings, training.step), collate_fn=batch_of,
        num_workers=workers, worker_init_fn=_single_threaded, prefetch_factor=4 if workers else None,
        generator=torch.Generator().manual_seed(settings.seed),
    )  # fmt: skip
    since: list[dict[str, float]] = []
    began = time.monotonic()
    for batch in loader:
        since.append(training.learn(batch))
        if training.step % every == 0 or training.step == settings.steps:
            training.save(run / "last.pt")
            seconds = (time.monotonic() - began) / len(since)
            figures = {name: float(np.mean([one[name] for one in since])) for name in since[0]}
            told({"step": training.step, "seconds_per_step": seconds, **figures}, training)
            since, began = [], time.monotonic()
    return training


def _same_settings(run: Path, settings: Settings) -> None:
    run.mkdir(parents=True, exist_ok=True)
    now = json.loads(json.dumps(asdict(settings)))
    path = run / "settings.json"
    if path.exists() and json.loads(path.read_text()) != now:
        raise UserError(
            f"{run} holds a run of other settings ({path.read_text().strip()}): use them, or another folder"
        )
    path.write_text(json.dumps(now) + "\n")

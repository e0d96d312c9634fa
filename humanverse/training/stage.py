"""What the loop asks of a stage, and nothing else."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import nn

from humanverse.models.losses import Losses
from humanverse.training.encoding import Encoding

Batch = Mapping[str, Any]
"""What ``humanverse.loading`` gives."""


@dataclass(frozen=True)
class Told:
    """A pass over a batch: its losses, and the timesteps by target."""

    losses: Losses
    steps: dict[str, torch.Tensor]


class Stage(Protocol):
    """A model that is trained, with all that is frozen beside it.

    Attributes:
        model: whose parameters with gradients are trained.
        networks: that it consists of, each called by its ``forward``: what is compiled, and shared, as one.
        parts: its parts that are saved, by the name of their folder, and of the pipeline's component.
        layers: that a loader must give.
        encoding: its VAE and text encoder, and what batches may bring along in their place.
        pipeline: the whole as diffusers has it, with the weights that ``model`` has.
    """

    model: nn.Module
    networks: Sequence[nn.Module]
    parts: Mapping[str, Any]
    layers: tuple[str, ...]
    encoding: Encoding

    @property
    def pipeline(self) -> Any: ...

    def prepare(self, batches: Any) -> None:
        """What is to be measured before training a new model, on ``batches`` of the training data."""

    def learn(self, model: nn.Module, batch: Batch, numbers: Sequence[int]) -> Told:
        """Losses of a batch.

        Args:
            model: ``self.model``, perhaps wrapped.
            batch: of a loader.
            numbers: of its samples in the run, on which all chance depends.
        """

    def generate(self, batch: Batch, steps: int, guidance: float, seed: int) -> dict[str, torch.Tensor]:
        """Pictures, float32 (batch, 3, height, width) in [0, 1], by name, for the captions and conditions of a batch."""

    def save(self, folder: Path, parts: Mapping[str, Any]) -> None:
        """The whole pipeline as diffusers has it, with these ``parts``."""


def validation(batch: Batch, steps: int, guidance: float, seed: int) -> dict[str, Any]:
    """What either stage's pipeline is asked with for a batch, but for its conditions: each sample has noise of its own."""
    height, width = batch["image"].shape[-2:]
    captions = list(batch["captions"])
    return {
        "prompt": captions,
        "height": height,
        "width": width,
        "num_inference_steps": steps,
        "guidance_scale": guidance,
        "generator": [torch.Generator().manual_seed(seed + place) for place in range(len(captions))],
        "output_type": "pt",
    }


def to_device(batch: Batch, device: torch.device) -> dict[str, Any]:
    """``batch`` with its tensors on ``device``."""
    return {name: value.to(device) if isinstance(value, torch.Tensor) else value for name, value in batch.items()}


@contextmanager
def quietly() -> Iterator[None]:
    """No bars inside, of which transformers and diffusers show one for each part that they load or save."""
    from diffusers.utils import logging as of_diffusers
    from transformers.utils import logging as of_transformers

    shown = [module for module in (of_diffusers, of_transformers) if module.is_progress_bar_enabled()]
    for module in shown:
        module.disable_progress_bar()
    try:
        yield
    finally:
        for module in shown:
            module.enable_progress_bar()


def hush_long_prompts() -> None:
    """No line for each prompt that is cut: transformers and diffusers write one for each."""
    for module in (
        "transformers.tokenization_utils_base",
        "diffusers.pipelines.stable_diffusion_xl.pipeline_stable_diffusion_xl",
    ):
        logging.getLogger(module).setLevel(logging.ERROR)


def save_quietly(pipeline: Any, folder: Path) -> None:
    """``pipeline.save_pretrained`` without bars."""
    with quietly():
        pipeline.save_pretrained(folder)

"""A small VAE, of the class of Stable Diffusion's, for all pictures that the stages encode.

Latents of a few channels leave out what a small network cannot learn in an hour, the grain of each pixel, and are cheap to
denoise. Nobody tells the VAE what a picture is of: pictures, depth, normals and skeletons go through the same weights.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional

import humanverse
from humanverse.training.checkpoints import written_at_once
from humanverse.training.pictures import filled, layers_for

RATE, DIVERGENCE, CLIP = 1e-3, 1e-7, 1.0
"""Learning rate, which falls to 0 along a cosine; weight of a picture's divergence beside the mean over its pixels; norm at which
gradients are cut."""
SCALED = 16
"""Batches from which the scale of latents is measured."""
SAVED, MADE = "autoencoder.pt", "trained"
"""File of the checkpoint, and folder of the trained VAE."""


@dataclass(frozen=True)
class Plan:
    """How it is trained.

    Attributes:
        side: of the pictures that are read, in pixels; it sees half of it.
        batch: samples of a step, of each all ``pictures``.
        steps: how many.
        widths: channels of its levels; latents are smaller by a factor of 2 for each level after the first.
        channels: of latents.
        pictures: of a sample that it learns from.
        told: steps between two lines.
        kept: steps between two checkpoints.
    """

    side: int
    batch: int
    steps: int
    widths: tuple[int, ...]
    channels: int
    pictures: tuple[str, ...] = ("rgb", "depth", "normal", "skeleton")
    told: int = 200
    kept: int = 400


class Training:
    """A VAE with what trains it, so that one checkpoint holds all of it.

    Args:
        people: the dataset.
        view: of it; None for all of it.
        plan: how it is trained.
        device: where.
    """

    def __init__(self, people: Path, view: str | None, plan: Plan, device: str) -> None:
        torch.manual_seed(0)
        self.step = 0
        self.vae = network(plan).to(device, memory_format=torch.channels_last)
        self._optimiser = torch.optim.AdamW(self.vae.parameters(), lr=RATE)
        self._fall = torch.optim.lr_scheduler.CosineAnnealingLR(self._optimiser, plan.steps)
        self._loader = humanverse.open(str(people)).to_torch(
            view,
            layers=layers_for(plan.pictures, ()),
            buckets=[plan.side],
            batch_size=plan.batch,
            seed=0,
        )
        self._device, self._plan = device, plan

    def losses(self) -> Iterator[float]:
        """Take the steps that are left; the loss of each."""
        for batch in self._loader:
            if self.step == self._plan.steps:
                return
            self.step += 1
            loss = self._loss(self._pictures(batch))
            self._optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.vae.parameters(), CLIP)
            self._optimiser.step()
            self._fall.step()
            yield float(loss.detach())

    @torch.no_grad()
    def scale(self) -> float:
        """1 / deviation of the latents, as latent diffusion's authors scale theirs."""
        batches = zip(range(SCALED), self._loader, strict=False)
        latents = torch.cat([self.vae.encode(self._pictures(batch)).latent_dist.mean for _, batch in batches])
        return 1 / float(latents.std())

    def save(self, path: Path) -> None:
        """Replace the checkpoint in ``path``."""
        part = path.with_suffix(".part")
        torch.save({"step": self.step, "data": self._loader.state_dict(), **self._states()}, part)
        part.replace(path)

    def resume(self, path: Path) -> None:
        """Go on where the checkpoint in ``path`` was written."""
        found = torch.load(path, map_location=self._device, weights_only=True)
        for name, holder in self._holders().items():
            holder.load_state_dict(found[name])
        self._loader.load_state_dict(found["data"])
        self.step = found["step"]

    def _holders(self) -> dict[str, Any]:
        return {"vae": self.vae, "optimiser": self._optimiser, "fall": self._fall}

    def _states(self) -> dict[str, Any]:
        return {name: holder.state_dict() for name, holder in self._holders().items()}

    def _pictures(self, batch: dict[str, Any]) -> torch.Tensor:
        found = varied(torch.cat([filled(name, batch) for name in self._plan.pictures]), self.step)
        return found.to(self._device, memory_format=torch.channels_last)

    def _loss(self, pictures: torch.Tensor) -> torch.Tensor:
        """Mean of squared and absolute difference, and the latents' divergence from a normal distribution."""
        posterior = self.vae.encode(pictures).latent_dist
        noise = torch.Generator().manual_seed(self.step)
        away = self.vae.decode(posterior.sample(noise)).sample - pictures
        return away.square().mean() + away.abs().mean() + DIVERGENCE * posterior.kl().mean()


def train(
    people: Path, view: str | None, out: Path, plan: Plan, device: str, say: Callable[[str], None] = print
) -> Path:
    """The folder of the VAE in ``out``, trained unless it is there; a training that was stopped goes on.

    Args:
        people: the dataset.
        view: of it; None for all of it.
        out: folder of checkpoint and VAE.
        plan: how.
        device: where.
        say: is told how it goes.
    """
    made, saved = out / MADE, out / SAVED
    if made.is_dir():
        return made
    out.mkdir(parents=True, exist_ok=True)
    training = Training(people, view, plan, device)
    if saved.exists():
        training.resume(saved)
    lost = []
    for loss in training.losses():
        lost.append(loss)
        if training.step % plan.told == 0:
            say(f"VAE: step {training.step} of {plan.steps}, loss {sum(lost) / len(lost):.4f}")
            lost = []
        if training.step % plan.kept == 0:
            training.save(saved)
    training.vae.register_to_config(scaling_factor=training.scale())
    with written_at_once(made) as folder:
        training.vae.to("cpu", memory_format=torch.contiguous_format).save_pretrained(folder)
    return made


def varied(pictures: torch.Tensor, step: int) -> torch.Tensor:
    """Every other picture at half its sides, as stage 1 sees them, the others cut to that size, as parts of what stage 2 sees.

    Red, green and blue change places, because most clothes and walls lie between orange and blue: other hues would be lost.

    Args:
        pictures: float32 (n, 3, side, side).
        step: which decides all of it.
    """
    chance = torch.Generator().manual_seed(step)
    side = pictures.shape[-1] // 2
    row, column = torch.randint(side + 1, (2,), generator=chance).tolist()
    pictures = pictures[:, torch.randperm(3, generator=chance)]
    small = functional.interpolate(pictures[step % 2 :: 2], (side, side), mode="area")
    return torch.cat([small, pictures[1 - step % 2 :: 2, :, row : row + side, column : column + side]])


def network(plan: Plan) -> Any:
    """An ``AutoencoderKL`` that has learnt nothing."""
    from humanverse.torchvision_operators import prepare_torchvision

    prepare_torchvision()
    from diffusers import AutoencoderKL

    levels = len(plan.widths)
    return AutoencoderKL(
        down_block_types=["DownEncoderBlock2D"] * levels,
        up_block_types=["UpDecoderBlock2D"] * levels,
        block_out_channels=plan.widths,
        layers_per_block=1,
        latent_channels=plan.channels,
        norm_num_groups=8,
        mid_block_add_attention=False,
    )

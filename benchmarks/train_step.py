"""Steps of training without data: each stage's network beside the plain UNet that it is made of, and how much both compute.

A step is forward, mean squared error, backward and AdamW, as in the trainer: float32 weights, in bfloat16 under autocast. The
refiner's SDXL is frozen, as in training.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from humanverse.model_presets import MAPS, SD2_BASE, SDXL_BASE, SKELETON_LATENT, TARGETS
from humanverse.models.refiner import StructureRefiner, refine
from humanverse.models.structural_unet import StructuralUNet

FULL_WIDTH = 320
"""Channels of both backbones' first block."""
TOKENS = 77
SHRUNK = 8
"""Pixels of a latent's side."""
POOLED, SIZES = 1280, 6
"""What SDXL is told beside the text: numbers of the pooled text, and sizes."""


@dataclass(frozen=True)
class Size:
    """How large networks and batches are.

    Attributes:
        width: channels of the first block; 320 is the real one. All others are in proportion, heads have 64 as always.
        side: of the pictures in pixels.
        batch: pictures of a step.
    """

    width: int
    side: int
    batch: int


@dataclass(frozen=True)
class Place:
    """Where is computed, and in which precision: ``cpu``, ``cuda``, ``meta``; torch.float32 or torch.bfloat16."""

    device: str
    dtype: torch.dtype = torch.float32


Loss = Callable[[], torch.Tensor]


@dataclass(frozen=True)
class Work:
    """A network that is trained, and the loss of a fixed batch."""

    network: nn.Module
    loss: Loss


Pair = tuple[Work, Work]
"""The plain UNet's work and ours."""


def scaled(config: Mapping[str, Any], width: int) -> dict[str, Any]:
    """``config`` of a backbone with ``width`` channels in the first block, which must be a multiple of 64."""
    channels = [width * number // FULL_WIDTH for number in config["block_out_channels"]]
    return {
        **config,
        "block_out_channels": channels,
        "attention_head_dim": [number // 64 for number in channels],
        "cross_attention_dim": max(16, width * config["cross_attention_dim"] // FULL_WIDTH // 16 * 16),
    }


def structure(size: Size, place: Place) -> Pair:
    """The plain UNet of Stable Diffusion 2 and stage 1 of the paper: three targets, told the skeleton's latent."""
    plain = _plain(SD2_BASE, size, place)
    ours = StructuralUNet.from_unet(plain)
    names = [str(target["name"]) for target in TARGETS]
    side, text, steps = size.side // SHRUNK, _text(plain, size, place), _steps(size, place)
    latents = {name: _random(place, size.batch, 4, side, side) for name in names}
    wanted = {name: _random(place, size.batch, 4, side, side) for name in names}
    told = {str(SKELETON_LATENT["name"]): _random(place, size.batch, 4, side, side)}
    sizes = torch.full((size.batch, 4), float(size.side), device=place.device)

    def of_plain() -> torch.Tensor:
        return _error(plain(latents["rgb"], steps, text).sample, wanted["rgb"])

    def of_ours() -> torch.Tensor:
        made = ours(latents, steps, text, told, sizes).sample
        return torch.stack([_error(made[name], wanted[name]) for name in names]).sum()

    return Work(plain, of_plain), Work(ours, of_ours)


def refiner(size: Size, place: Place) -> Pair:
    """The plain UNet of SDXL, all of it trained, and stage 2: its encoder's copy trained, three maps, the UNet frozen."""
    plain = _plain(SDXL_BASE, size, place)
    with torch.device(place.device):
        ours = StructureRefiner(unet=plain.config)
    frozen = nn.Module.to(copy.deepcopy(plain), dtype=place.dtype).requires_grad_(False).eval()
    side, text, steps = size.side // SHRUNK, _text(plain, size, place), _steps(size, place)
    latent, wanted = (_random(place, size.batch, 4, side, side) for _ in range(2))
    maps = {str(entry["name"]): _random(place, size.batch, 3, size.side, size.side) for entry in MAPS}
    sizes = torch.full((size.batch, SIZES), float(size.side), device=place.device)
    added = {"text_embeds": _random(place, size.batch, POOLED), "time_ids": sizes}

    def of_plain() -> torch.Tensor:
        return _error(plain(latent, steps, text, added_cond_kwargs=added).sample, wanted)

    def of_ours() -> torch.Tensor:
        return _error(refine(frozen, ours, latent, steps, text, maps, added), wanted)

    return Work(plain, of_plain), Work(ours, of_ours)


STAGES: Mapping[str, Callable[[Size, Place], Pair]] = {"structure": structure, "refiner": refiner}


def _plain(config: Mapping[str, Any], size: Size, place: Place) -> Any:
    from diffusers import UNet2DConditionModel  # after humanverse.models, which readies torchvision

    with torch.device(place.device):
        return UNet2DConditionModel(**scaled(config, size.width)).train()


def _random(place: Place, *shape: int) -> torch.Tensor:
    return torch.randn(*shape, device=place.device)


def _text(plain: Any, size: Size, place: Place) -> torch.Tensor:
    return _random(place, size.batch, TOKENS, plain.config.cross_attention_dim)


def _steps(size: Size, place: Place) -> torch.Tensor:
    return torch.randint(0, 1000, (size.batch,), device=place.device)


def _error(made: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    return nn.functional.mse_loss(made.float(), wanted)


def operations(work: Work) -> int:
    """Of matrix products and convolutions, forward and backward; multiplying and adding are two.

    Attention is counted as the matrix products it consists of, since the counter does not know all of its kernels.
    """
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        work.loss().backward()
    return counter.get_total_flops()


def ratio_of_operations(stage: str, size: Size) -> float:
    """Those of ours by those of the plain UNet. Nothing is computed."""
    plain, ours = STAGES[stage](size, Place("meta"))
    return operations(ours) / operations(plain)


class Step:
    """A step of training that can be taken again and again."""

    def __init__(self, work: Work, place: Place) -> None:
        self._work, self._place = work, place
        trained = [weight for weight in work.network.parameters() if weight.requires_grad]
        self._optimiser = torch.optim.AdamW(trained, lr=1e-5, fused=True)

    def seconds(self) -> float:
        """Take it; the time it took."""
        self._wait()
        begun = time.perf_counter()
        with torch.autocast(
            torch.device(self._place.device).type, torch.bfloat16, enabled=self._place.dtype == torch.bfloat16
        ):
            loss = self._work.loss()
        loss.backward()
        self._optimiser.step()
        self._optimiser.zero_grad()
        self._wait()
        return time.perf_counter() - begun

    def _wait(self) -> None:
        if self._place.device.startswith("cuda"):
            torch.cuda.synchronize()


@dataclass(frozen=True)
class Times:
    """Of steps, in seconds: medians, and the median of the turns' ratios."""

    plain: float
    ours: float
    ratio: float


def timed(stage: str, size: Size, place: Place, repeat: int, warm_up: int = 2) -> Times:
    """Steps of both turn by turn, each first in every second turn."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        plain, ours = (Step(work, place) for work in STAGES[stage](size, place))
    for step in (plain, ours) * warm_up:
        step.seconds()
    turns: list[tuple[float, float]] = []
    for turn in range(repeat):
        first, second = (plain, ours) if turn % 2 else (ours, plain)
        took = {first: first.seconds(), second: second.seconds()}
        turns.append((took[plain], took[ours]))
    return Times(
        median(one for one, _ in turns),
        median(other for _, other in turns),
        median(other / one for one, other in turns),
    )

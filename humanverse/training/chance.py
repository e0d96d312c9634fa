"""Noise and timesteps as functions of the run's seed and a sample's number in the run, whatever process it is trained in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch

from humanverse.models.dropout import share
from humanverse.models.schedule import STEPS

_SEEDS = 2**32
"""Of the generator that PyTorch has for the CPU."""


def noise_for(seed: int, numbers: Sequence[int], clean: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Standard normal noise for each target of each sample, independent, float32 on the device of ``clean``.

    It is drawn on the CPU, so that it is the same on any device.

    Args:
        seed: of the run.
        numbers: of the samples in the run.
        clean: target -> latents, (samples, channels, height, width).
    """
    found = {}
    for name, latents in clean.items():
        drawn = [_normal(share(seed, number, f"noise/{name}"), latents.shape[1:]) for number in numbers]
        found[name] = torch.stack(drawn).to(latents.device)
    return found


def _normal(seeded: float, shape: Sequence[int]) -> torch.Tensor:
    generator = torch.Generator().manual_seed(int(seeded * _SEEDS))
    return torch.randn(shape, generator=generator, dtype=torch.float32)


def steps_for(
    seed: int, numbers: Sequence[int], names: Sequence[str], own: bool, device: torch.device
) -> dict[str, torch.Tensor]:
    """Timesteps of each target, int64 (samples,), uniform in [0, 1000).

    Args:
        seed: of the run.
        numbers: of the samples in the run.
        names: of the targets.
        own: whether each target has its own; else all have the same tensor.
        device: of the answer.
    """

    def drawn(key: str) -> torch.Tensor:
        return torch.tensor([int(share(seed, number, key) * STEPS) for number in numbers], device=device)

    if own:
        return {name: drawn(f"step/{name}") for name in names}
    return dict.fromkeys(names, drawn("step"))

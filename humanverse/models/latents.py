"""Mean and deviation of latents per channel: measured over a training set, and used to give all targets those of RGB.

Depth and normal maps encode to latents of another spread than photographs; noise that destroys one would leave the other
readable. HyperHuman (section 3.2) therefore normalises them to RGB's. "Latent" means what the network sees: the VAE's, times its
scaling factor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any

import torch

from humanverse.errors import UserError


@dataclass(frozen=True)
class Statistics:
    """Mean and standard deviation (of the population) of each channel."""

    mean: Sequence[float]
    std: Sequence[float]

    def written(self) -> dict[str, Any]:
        """As it is written in ``config.json``."""
        return {key: list(values) for key, values in asdict(self).items()}


def unmeasured(channels: int) -> Statistics:
    """Mean 0 and deviation 1: between two of these, ``match`` changes nothing."""
    return Statistics([0.0] * channels, [1.0] * channels)


def for_channels(statistics: Statistics, channels: int) -> Statistics:
    """``statistics`` for another number of channels: the average over its channels, for each."""
    have = len(statistics.mean)
    if have == channels:
        return statistics
    return Statistics([sum(statistics.mean) / have] * channels, [sum(statistics.std) / have] * channels)


def match(latent: torch.Tensor, own: Statistics, wanted: Statistics) -> torch.Tensor:
    """``latent``, (batch, channels, height, width), moved channel by channel from the mean and deviation ``own`` to ``wanted``.

    Raises:
        UserError: for another number of channels.
    """
    if latent.ndim != 4 or latent.shape[1] != len(own.mean):
        expected = f"(batch, {len(own.mean)}, height, width)"
        raise UserError(f"A latent has shape {tuple(latent.shape)}: its statistics are those of {expected}.")
    if own == wanted:
        return latent
    scale = [to / of for to, of in zip(wanted.std, own.std, strict=True)]
    shift = [to - of * by for to, of, by in zip(wanted.mean, own.mean, scale, strict=True)]
    by, plus = torch.tensor([scale, shift], dtype=torch.float32, device=latent.device)[:, :, None, None]
    moved = latent.float() * by + plus
    return moved.to(latent.dtype)


class Measure:
    """Sums over batches, in double precision; those of several processes may be added.

    Attributes:
        sums: (3, channels): how many, their sum, the sum of their squares.
    """

    def __init__(self, channels: int) -> None:
        self.sums = torch.zeros(3, channels, dtype=torch.float64)

    def add(self, latent: torch.Tensor) -> None:
        """Count ``latent``, (batch, channels, height, width)."""
        values = latent.detach().to("cpu", torch.float64).transpose(0, 1).flatten(1)
        self.sums += torch.stack([torch.full((len(values),), values.shape[1]), values.sum(1), values.square().sum(1)])

    def result(self, name: str) -> Statistics:
        """The statistics.

        Args:
            name: of the target, for the error.

        Raises:
            UserError: if nothing was counted, or a channel is not finite or does not vary.
        """
        count, total, squares = self.sums
        mean = total / count
        std = (squares / count - mean.square()).clamp(min=0).sqrt()
        if not all(isfinite(value) and value > 0 for value in std.tolist()):
            raise UserError(
                f"The latents of {name!r} cannot be normalised: there are none, they do not vary, or they are not finite."
            )
        return Statistics(mean.tolist(), std.tolist())

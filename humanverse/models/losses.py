"""The training loss of both stages, and how it is told by target and by timestep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from humanverse.errors import UserError


@dataclass(frozen=True)
class Losses:
    """Squared errors of one batch.

    Attributes:
        total: what is minimised: the weighted sum over targets of the mean over the batch.
        of_samples: per target (batch,), the mean squared error of each sample, unweighted and without gradient.
    """

    total: torch.Tensor
    of_samples: dict[str, torch.Tensor]


def denoising_loss(
    predicted: Mapping[str, torch.Tensor],
    wanted: Mapping[str, torch.Tensor],
    weights: Mapping[str, float] | None = None,
) -> Losses:
    """Mean squared error per target, summed over targets (HyperHuman, section 3.2), in single precision.

    Args:
        predicted: per target (batch, channels, height, width).
        wanted: of the same shapes.
        weights: of the targets; those that are not named count once.

    Raises:
        UserError: if the targets or their shapes differ.
    """
    if set(predicted) != set(wanted):
        raise UserError(f"Predicted are {', '.join(predicted)}, wanted are {', '.join(wanted)}: give the same targets.")
    errors = {}
    for name, guess in predicted.items():
        if guess.shape != wanted[name].shape:
            shapes = f"{tuple(guess.shape)} and {tuple(wanted[name].shape)}"
            raise UserError(f"Prediction and target of {name!r} have shapes {shapes}: they must be equal.")
        errors[name] = (guess.float() - wanted[name].float()).square().flatten(1).mean(dim=1)
    parts = [(weights or {}).get(name, 1.0) * error.mean() for name, error in errors.items()]
    return Losses(torch.stack(parts).sum(), {name: error.detach() for name, error in errors.items()})


@dataclass(frozen=True)
class Bands:
    """Sums per timestep band, to be added over batches and processes.

    Attributes:
        sums: per target (bands,) float64, of the samples' errors.
        counts: per target (bands,) int64, of the samples.
    """

    sums: dict[str, torch.Tensor]
    counts: dict[str, torch.Tensor]

    def __add__(self, other: Bands) -> Bands:
        return Bands(
            {name: total + other.sums[name] for name, total in self.sums.items()},
            {name: count + other.counts[name] for name, count in self.counts.items()},
        )

    def means(self) -> dict[str, torch.Tensor]:
        """Per target (bands,); NaN where a band has no sample."""
        return {name: total / self.counts[name] for name, total in self.sums.items()}


def by_band(
    of_samples: Mapping[str, torch.Tensor], steps: Mapping[str, torch.Tensor], bands: int = 4, last: int = 1000
) -> Bands:
    """Sort the samples' errors into ``bands`` equal parts of the timesteps [0, ``last``).

    Args:
        of_samples: per target (batch,).
        steps: per target (batch,), int64.
        bands: how many.
        last: timesteps of the schedule.
    """
    sums, counts = {}, {}
    for name, errors in of_samples.items():
        place = torch.div(steps[name].to(errors.device) * bands, last, rounding_mode="floor").clamp(0, bands - 1)
        sums[name] = torch.zeros(bands, dtype=torch.float64, device=errors.device).index_add_(0, place, errors.double())
        counts[name] = torch.bincount(place, minlength=bands)
    return Bands(sums, counts)

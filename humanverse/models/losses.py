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
        of_samples: per target (batch,), the mean squared error of each sample, unweighted and without gradient; 0 where
            nothing counts.
        counted: per target bool (batch,): whether any of a sample's cells counts.
    """

    total: torch.Tensor
    of_samples: dict[str, torch.Tensor]
    counted: dict[str, torch.Tensor]

    def means(self) -> dict[str, torch.Tensor]:
        """Per target the mean error of the samples that count, a number; NaN if none does."""
        return {name: errors.sum() / self.counted[name].sum() for name, errors in self.of_samples.items()}


def denoising_loss(
    predicted: Mapping[str, torch.Tensor],
    wanted: Mapping[str, torch.Tensor],
    weights: Mapping[str, float] | None = None,
    valid: Mapping[str, torch.Tensor] | None = None,
) -> Losses:
    """Mean squared error per target, summed over targets (HyperHuman, section 3.2), in single precision.

    A sample's error is the mean over those of its cells that are valid, and is divided by the number of all samples of the
    batch, so that it does not depend on what the others have. A sample of which no cell is valid adds nothing.

    Args:
        predicted: per target (batch, channels, height, width).
        wanted: of the same shapes.
        weights: of the targets; those that are not named count once.
        valid: of some targets bool (batch, 1, height, width), the cells that count; of the others all do.

    Raises:
        UserError: if the targets or their shapes differ.
    """
    if set(predicted) != set(wanted):
        raise UserError(f"Predicted are {', '.join(predicted)}, wanted are {', '.join(wanted)}: give the same targets.")
    errors, counted = {}, {}
    for name, guess in predicted.items():
        if guess.shape != wanted[name].shape:
            shapes = f"{tuple(guess.shape)} and {tuple(wanted[name].shape)}"
            raise UserError(f"Prediction and target of {name!r} have shapes {shapes}: they must be equal.")
        squares = (guess.float() - wanted[name].float()).square()
        errors[name], counted[name] = _of_samples(squares, (valid or {}).get(name))
    parts = [(weights or {}).get(name, 1.0) * error.mean() for name, error in errors.items()]
    return Losses(torch.stack(parts).sum(), {name: error.detach() for name, error in errors.items()}, counted)


def _of_samples(squares: torch.Tensor, valid: torch.Tensor | None) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean of each sample over its valid cells, 0 without any, and whether there are any."""
    if valid is None:
        return squares.flatten(1).mean(dim=1), squares.new_ones(len(squares), dtype=torch.bool)
    share = valid.flatten(1).float().mean(dim=1)
    some = share > 0
    return torch.where(valid, squares, 0).flatten(1).mean(dim=1) / torch.where(some, share, 1), some


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


def by_band(losses: Losses, steps: Mapping[str, torch.Tensor], bands: int = 4, last: int = 1000) -> Bands:
    """Sort the samples' errors into ``bands`` equal parts of the timesteps [0, ``last``).

    Args:
        losses: whose samples are sorted; those that do not count are left out.
        steps: per target (batch,), int64.
        bands: how many.
        last: timesteps of the schedule.
    """
    sums, counts = {}, {}
    for name, errors in losses.of_samples.items():
        place = torch.div(steps[name].to(errors.device) * bands, last, rounding_mode="floor").clamp(0, bands - 1)
        sums[name] = torch.zeros(bands, dtype=torch.float64, device=errors.device).index_add_(0, place, errors.double())
        counts[name] = torch.bincount(place[losses.counted[name]], minlength=bands)
    return Bands(sums, counts)

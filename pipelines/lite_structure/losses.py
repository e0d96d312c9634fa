"""What the network is trained to make small: angles of normals, relative depth, and the mask of people."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch.nn import functional as F

WEIGHTS = {"cosine": 1.5, "chord": 1.5, "depth": 0.5, "gradient": 0.1, "mask": 0.3}
LEAST_PIXELS = 16
LEAST_SPREAD = 1.0
"""Of the depth that the network says, as ``standardised`` measures it."""
_SCALES = 3
_FLAT = 1e-5
"""Added under the root, which has no slope at 0."""


def cosine_loss(said: torch.Tensor, true: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
    """Mean of 1 - cosine over the known pixels, 0 if there are none: large errors count most.

    Args:
        said, true: float (n, 3, height, width), unit vectors.
        known: bool (n, height, width).
    """
    apart = 1 - (said * true).sum(dim=1)
    return (apart * known).sum() / known.sum().clamp(min=1)


def chord_loss(said: torch.Tensor, true: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
    """Mean distance between the vectors' tips, which goes with the angle: small errors count as well.

    Args: as of ``cosine_loss``.
    """
    apart = ((said - true) ** 2).sum(dim=1).add(_FLAT).sqrt()
    return (apart * known).sum() / known.sum().clamp(min=1)


def standardised(depth: torch.Tensor, known: torch.Tensor, least: float = 1e-3) -> torch.Tensor:
    """float (n, height, width): each map shifted and scaled so that its known pixels have mean 0 and mean absolute value 1.

    Maps that differ by a positive scale and a shift become the same, as in Ranftl et al., "Towards robust monocular depth
    estimation", TPAMI 2022, here with the mean where they take the median. Unknown pixels are 0. A spread below ``least``
    is taken for that: what a network says while it knows little is not blown up to noise.
    """
    number = known.sum(dim=(1, 2), keepdim=True).clamp(min=1)
    centred = (depth - (depth * known).sum(dim=(1, 2), keepdim=True) / number) * known
    spread = centred.abs().sum(dim=(1, 2), keepdim=True) / number
    return centred / spread.clamp(min=least)


def depth_loss(apart: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
    """Mean absolute difference over the known pixels of each map, then over maps.

    Args:
        apart: float (n, height, width), difference of two standardised maps.
        known: bool (n, height, width).
    """
    number = known.sum(dim=(1, 2)).clamp(min=1)
    return ((apart.abs() * known).sum(dim=(1, 2)) / number).mean()


def gradient_loss(apart: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
    """Mean absolute change of the difference from one pixel to the next, at several scales: edges where edges are.

    Args: as of ``depth_loss``.
    """
    total = apart.new_zeros(())
    for step in (2**scale for scale in range(_SCALES)):
        at, where = apart[:, ::step, ::step], known[:, ::step, ::step]
        for axis in (1, 2):
            change = at.diff(dim=axis).abs()
            both = where.narrow(axis, 1, change.shape[axis]) & where.narrow(axis, 0, change.shape[axis])
            total = total + (change * both).sum() / both.sum().clamp(min=1)
    return total


def losses(said: torch.Tensor, true: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Each loss by name, unweighted.

    Args:
        said: float (n, 5, height, width), the network's output.
        true: ``depth`` float (n, height, width), ``normal`` float (n, 3, height, width), ``people`` and ``known`` bool of the
            former shape.
    """
    known = true["known"] & (true["known"].sum(dim=(1, 2), keepdim=True) >= LEAST_PIXELS)
    apart = standardised(said[:, 0], known, LEAST_SPREAD) - standardised(true["depth"], known)
    return {
        "cosine": cosine_loss(said[:, 1:4], true["normal"], known),
        "chord": chord_loss(said[:, 1:4], true["normal"], known),
        "depth": depth_loss(apart, known),
        "gradient": gradient_loss(apart, known),
        "mask": F.binary_cross_entropy_with_logits(said[:, 4], true["people"].float()),
    }


def total(parts: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """The weighted sum of ``losses``."""
    return torch.stack([WEIGHTS[name] * part for name, part in parts.items()]).sum()

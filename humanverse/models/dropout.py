"""Which conditions a training sample goes without: decided by a seed, the sample and the condition's name, and by nothing else.

So the same samples go without the same conditions however they are spread over processes, and after a resume; and a further
condition changes nothing for those that were there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import blake2b

import torch

from humanverse.errors import UserError


def share(seed: int, sample: int, name: str) -> float:
    """A number in [0, 1), uniform over seeds, samples and names: 53 bits of BLAKE2b of the three."""
    digest = blake2b(f"{seed}/{sample}/{name}".encode(), digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> 11) / 2**53


def kept(seed: int, samples: Iterable[int], rates: Mapping[str, float]) -> dict[str, torch.Tensor]:
    """Whether each sample keeps each condition; each is dropped on its own.

    Args:
        seed: of the run.
        samples: their numbers in the run's order; a sample that comes again in another epoch has another number.
        rates: per condition the probability with which it is dropped.

    Returns:
        Per condition bool (samples,).

    Raises:
        UserError: if a rate is not between 0 and 1.
    """
    for name, rate in rates.items():
        if not 0 <= rate <= 1:
            raise UserError(f"{name!r} cannot be dropped with probability {rate}: give a number from 0 to 1.")
    numbers = list(samples)
    return {
        name: torch.tensor([share(seed, number, name) >= rate for number in numbers], dtype=torch.bool)
        for name, rate in rates.items()
    }


def only_kept(picture: torch.Tensor, keep: torch.Tensor, instead: torch.Tensor | None = None) -> torch.Tensor:
    """``picture``, (batch, ...), where ``keep``, bool (batch,), says so; elsewhere ``instead`` or zeros.

    Args:
        picture: maps, latents, or embedded text.
        keep: which samples keep theirs.
        instead: of one sample, for example the empty prompt's embedding; zeros if not given.
    """
    mask = keep.to(picture.device).reshape(-1, *[1] * (picture.ndim - 1))
    other = torch.zeros_like(picture[:1]) if instead is None else instead.to(picture).reshape(1, *picture.shape[1:])
    return torch.where(mask, picture, other)

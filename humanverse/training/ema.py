"""An exponential moving average of the weights, its length counted in samples (Karras et al., arXiv 2206.00364, appendix F)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import nn

from humanverse.training.sharding import like, piece


class Ema:
    """Averaged weights of a model's trained parameters, float32 on their device, shared as these are.

    Args:
        model: whose weights they start as.
        half_life: samples after which a weight's share is half.
        ramp: the half life is at most this share of the samples seen, so that the first weights are soon forgotten.
    """

    def __init__(self, model: nn.Module, half_life: float, ramp: float) -> None:
        self._half_life, self._ramp = half_life, ramp
        self._weights = {name: weight.detach().clone() for name, weight in _trained(model)}

    @torch.no_grad()
    def update(self, model: nn.Module, seen: int, samples: int) -> None:
        """Take in the weights of ``model`` after a step.

        Args:
            seen: samples of the run, with this step's.
            samples: of this step.
        """
        half_life = min(self._half_life, self._ramp * seen)
        keep = 0.5 ** (samples / half_life)
        for name, weight in _trained(model):
            piece(self._weights[name]).lerp_(piece(weight), 1 - keep)

    @contextmanager
    def shown(self, model: nn.Module) -> Iterator[None]:
        """``model`` has the averaged weights inside; afterwards its own, every bit."""
        self._swap(model)
        try:
            yield
        finally:
            self._swap(model)

    def _swap(self, model: nn.Module) -> None:
        for name, weight in _trained(model):
            shown, averaged = piece(weight), piece(self._weights[name])
            before = shown.clone()
            shown.copy_(averaged)
            averaged.copy_(before)

    def state_dict(self) -> dict[str, torch.Tensor]:
        """The averaged weights by the parameters' names."""
        return dict(self._weights)

    def load_state_dict(self, state: Mapping[str, torch.Tensor]) -> None:
        """Take over averaged weights."""
        for name, weight in self._weights.items():
            piece(weight).copy_(piece(like(weight, state[name])))


def _trained(model: nn.Module) -> Iterator[tuple[str, nn.Parameter]]:
    return ((name, weight) for name, weight in model.named_parameters() if weight.requires_grad)

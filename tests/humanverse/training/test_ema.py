"""The average of weights over samples."""

from __future__ import annotations

import torch
from torch import nn

from humanverse.training.ema import Ema


def _model(value: float) -> nn.Linear:
    model = nn.Linear(2, 2)
    nn.init.constant_(model.weight, value)
    model.bias.requires_grad_(False)
    return model


def _set(model: nn.Linear, value: float) -> None:
    with torch.no_grad():
        model.weight.fill_(value)


def test_after_a_half_life_half_is_new() -> None:
    model = _model(0)
    ema = Ema(model, half_life=10, ramp=1)
    _set(model, 1)
    ema.update(model, seen=1000, samples=10)
    assert torch.allclose(ema.state_dict()["weight"], torch.tensor(0.5))
    ema.update(model, seen=1000, samples=20)
    assert torch.allclose(ema.state_dict()["weight"], torch.tensor(0.875))


def test_early_weights_are_soon_forgotten() -> None:
    model = _model(0)
    ema = Ema(model, half_life=1000, ramp=0.1)
    _set(model, 1)
    ema.update(model, seen=10, samples=10)
    assert torch.allclose(ema.state_dict()["weight"], torch.tensor(1 - 0.5**10))


def test_what_is_shown_is_put_back() -> None:
    model = _model(0.1)
    ema = Ema(model, half_life=10, ramp=1)
    _set(model, 0.3)
    own = model.weight.clone()
    with ema.shown(model):
        assert torch.equal(model.weight, torch.full((2, 2), 0.1))
    assert torch.equal(model.weight, own)
    assert list(ema.state_dict()) == ["weight"]
    assert torch.equal(ema.state_dict()["weight"], torch.full((2, 2), 0.1))

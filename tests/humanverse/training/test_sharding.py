"""Shared weights, in a group of one process: what is taken apart comes together again. Two processes: test_train_sharded.py."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import pytest
import torch
from torch import nn
from torch.distributed.tensor import DTensor

from humanverse.models.latents import Statistics
from humanverse.models.structural_unet import StructuralUNet
from humanverse.training import sharding
from humanverse.training.ema import Ema
from tests.humanverse.models import tiny as models
from tests.humanverse.training import tiny

CPU = torch.device("cpu")


@pytest.fixture
def group() -> Iterator[None]:
    torch.distributed.init_process_group("gloo", store=torch.distributed.HashStore(), rank=0, world_size=1)
    yield
    torch.distributed.destroy_process_group()


def _pair() -> tuple[StructuralUNet, StructuralUNet]:
    """A model, and the same one shared."""
    unet = {**tiny.UNET, "in_channels": 4, "out_channels": 4, "cross_attention_dim": 8}
    plain = StructuralUNet.from_unet(models.unet(unet), targets=["rgb", "depth"])
    plain.set_latent_statistics({name: Statistics([0.1] * 4, [2.0] * 4) for name in ("rgb", "depth")})
    shared = copy.deepcopy(plain)
    sharding.share(shared, CPU)
    return plain, shared


def test_a_shared_model_computes_the_same_and_is_saved_as_it_was(group: None) -> None:
    plain, shared = _pair()
    assert all(isinstance(weight, DTensor) for weight in shared.parameters())
    latents = {name: models.noise(2, 4, 8, 8) for name in ("rgb", "depth", "skeleton")}
    given = (latents, torch.tensor([3, 700]), models.noise(2, 5, 8), latents, torch.zeros(2, 4))
    for model in (plain, shared):
        sum(made.sum() for made in model(*given).sample.values()).backward()
    for (name, one), (other, two) in zip(plain.named_parameters(), shared.named_parameters(), strict=True):
        assert name == other and torch.allclose(one.grad, sharding.whole(two.grad, keep=True), atol=1e-5)
    part = sharding.whole_part(shared, keep=True)
    assert type(part) is StructuralUNet and dict(part.config) == dict(plain.config)
    assert all(torch.equal(value, part.state_dict()[name]) for name, value in plain.state_dict().items())
    assert sharding.whole_part(shared, keep=False) is None


def test_an_average_of_shared_weights_is_shown_saved_and_loaded(group: None) -> None:
    plain, shared = _pair()
    averages = [Ema(model, half_life=10, ramp=1) for model in (plain, shared)]
    for model, average in zip((plain, shared), averages, strict=True):
        for weight in model.parameters():
            sharding.piece(weight).add_(1)
        average.update(model, seen=1000, samples=10)
    state = copy.deepcopy(sharding.whole(averages[1].state_dict(), keep=True))
    assert all(torch.equal(value, state[name]) for name, value in averages[0].state_dict().items())
    with averages[1].shown(shared):
        assert all(torch.equal(value, state[name]) for name, value in sharding.whole(shared.state_dict(), True).items())
    assert all(
        torch.equal(sharding.piece(one), two) for one, two in zip(shared.parameters(), plain.parameters(), strict=True)
    )
    averages[1].load_state_dict({name: value * 2 for name, value in state.items()})
    doubled = sharding.whole(averages[1].state_dict(), keep=True)
    assert all(torch.equal(value * 2, doubled[name]) for name, value in state.items())


def test_whole_tensors_stay_as_they_are() -> None:
    weight = torch.arange(4.0)
    tree = {"state": {0: {"step": weight}}, "groups": [{"lr": 0.5}], "empty": None}
    kept = sharding.whole(tree, keep=False)
    assert kept == tree and kept["state"][0]["step"] is weight
    assert sharding.like(weight, weight) is weight
    part = nn.Linear(2, 2)
    assert sharding.whole_part(part, keep=False) is part


def test_a_piece_is_the_same_memory() -> None:
    weight = nn.Parameter(torch.zeros(3))
    sharding.piece(weight).add_(1)
    assert weight.tolist() == [1, 1, 1] and not sharding.piece(weight).requires_grad

"""The lite structure network: its size, and what its outputs are."""

from __future__ import annotations

import pytest
import torch

from annotators.networks.lite_structure import MULTIPLE, LiteStructureNet
from annotators.structure.inputs import CHANNELS


@pytest.fixture(scope="module")
def network() -> LiteStructureNet:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return LiteStructureNet().eval()


def test_it_has_few_parameters(network: LiteStructureNet) -> None:
    assert sum(values.numel() for values in network.parameters()) == 3_550_261


@pytest.mark.parametrize("side", [MULTIPLE, 3 * MULTIPLE])
def test_it_says_depth_a_unit_normal_and_a_mask_of_each_pixel(network: LiteStructureNet, side: int) -> None:
    with torch.no_grad():
        said = network(torch.linspace(-2, 2, 2 * CHANNELS * side * side).reshape(2, CHANNELS, side, side))
    assert said.shape == (2, 5, side, side) and said.isfinite().all()
    torch.testing.assert_close(said[:, 1:4].norm(dim=1), torch.ones(2, side, side))

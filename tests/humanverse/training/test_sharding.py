"""What is not shared is left alone: the parts that work on whole tensors, too."""

from __future__ import annotations

import torch
from torch import nn

from humanverse.training import sharding


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

"""Sizes and crops as a vector beside the time embedding."""

from __future__ import annotations

import pytest
import torch

from humanverse.errors import UserError
from humanverse.models.size_embedding import SizeEmbedding
from tests.humanverse.models.tiny import seeded, shaken

SIZES = torch.tensor([[480, 640, 0, 16], [1024, 768, 8, 0]])


def test_it_starts_at_zero_and_then_tells_every_number() -> None:
    embedding = seeded(lambda: SizeEmbedding(dim=16, time_dim=8))
    assert embedding(SIZES).shape == (2, 8) and not embedding(SIZES).any()
    shaken(embedding, by=0.5)
    before = embedding(SIZES[:1])
    for place in range(4):
        other = SIZES[:1].clone()
        other[0, place] += 100
        assert (embedding(other) - before).abs().max() > 1e-3


def test_the_waves_are_those_of_sdxl() -> None:
    embedding = SizeEmbedding(dim=256, time_dim=8)
    assert embedding.project.linear_1.in_features == 4 * 256
    waves = embedding.waves(torch.tensor([640]))[0]
    rates = torch.exp(-torch.log(torch.tensor(10000.0)) * torch.arange(128) / 128)
    torch.testing.assert_close(waves, torch.cat([torch.cos(640 * rates), torch.sin(640 * rates)]), atol=1e-4, rtol=0)


@pytest.mark.parametrize("shape", [(4,), (2, 3), (2, 6)])
def test_another_shape_is_told(shape: tuple[int, ...]) -> None:
    with pytest.raises(UserError, match="original_height, original_width, crop_top, crop_left"):
        SizeEmbedding(dim=4, time_dim=8)(torch.zeros(shape))

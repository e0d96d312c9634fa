"""Turns a map in pixels into features of the latent's size, for the refiner's encoder.

HyperHuman (table 6) names channels 16, 32, 96 and 256, 4 x 4 kernels, stride 2 and ReLU. Four convolutions of stride 2 would give
64 x 64 features for a map of 1024 x 1024, and the latent has 128 x 128. So the first convolution here has stride 1, and the three
others stride 2. The first has a 3 x 3 kernel: one of 4 x 4 cannot be centred on a pixel, and would shift the map by half of one.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from diffusers.models.controlnets.controlnet import zero_module
from torch import nn

CHANNELS = (16, 32, 96, 256)
"""Of the convolutions, as in the paper."""


class MapEmbedder(nn.Module):
    """A stem, one halving convolution per further entry of ``channels``, and a projection that starts at zero.

    Args:
        map_channels: of the map.
        features: channels of the encoder's first layer.
        channels: of the convolutions.
    """

    def __init__(self, map_channels: int, features: int, channels: Sequence[int] = CHANNELS) -> None:
        super().__init__()
        self.stem = nn.Conv2d(map_channels, channels[0], kernel_size=3, padding=1)
        self.halvings = nn.ModuleList(
            nn.Conv2d(coarse, fine, kernel_size=4, stride=2, padding=1) for coarse, fine in pairwise(channels)
        )
        self.project = zero_module(nn.Conv2d(channels[-1], features, kernel_size=3, padding=1))

    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        """Features, (batch, features, height / 8, width / 8) with the usual channels, of (batch, channels, height, width)."""
        hidden = torch.relu(self.stem(picture))
        for halving in self.halvings:
            hidden = torch.relu(halving(hidden))
        return self.project(hidden)

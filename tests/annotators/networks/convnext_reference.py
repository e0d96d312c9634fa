"""ConvNeXt (Liu et al., "A ConvNet for the 2020s", CVPR 2022) as its authors name its parts, for checking timm's against it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor, nn


class ChannelsFirstNorm(nn.LayerNorm):
    """Layer normalisation over the channels of (n, channels, height, width)."""

    def forward(self, values: Tensor) -> Tensor:
        return super().forward(values.movedim(1, -1)).movedim(-1, 1)


class Block(nn.Module):
    """Depthwise 7 x 7, normalisation, two linear layers at each place, scaled and added."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.rand(width))
        self.dwconv = nn.Conv2d(width, width, 7, padding=3, groups=width)
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.pwconv1 = nn.Linear(width, 4 * width)
        self.pwconv2 = nn.Linear(4 * width, width)

    def forward(self, values: Tensor) -> Tensor:
        inner = self.norm(self.dwconv(values).movedim(1, -1))
        inner = self.gamma * self.pwconv2(nn.functional.gelu(self.pwconv1(inner)))
        return values + inner.movedim(-1, 1)


class ConvNextReference(nn.Module):
    """The network with a head of two hidden layers.

    Args:
        depths: blocks of each of the four stages.
        widths: channels of each.
    """

    def __init__(self, depths: Sequence[int], widths: Sequence[int]) -> None:
        super().__init__()
        stem = nn.Sequential(nn.Conv2d(3, widths[0], 4, stride=4), ChannelsFirstNorm(widths[0], eps=1e-6))
        shrinking = [
            nn.Sequential(ChannelsFirstNorm(before, eps=1e-6), nn.Conv2d(before, after, 2, stride=2))
            for before, after in itertools.pairwise(widths)
        ]
        self.downsample_layers = nn.ModuleList([stem, *shrinking])
        self.stages = nn.ModuleList(
            nn.Sequential(*(Block(width) for _ in range(depth))) for depth, width in zip(depths, widths, strict=True)
        )
        self.norm = nn.LayerNorm(widths[-1], eps=1e-6)
        self.head = nn.Sequential(
            nn.Linear(widths[-1], 512), nn.GELU(), nn.Linear(512, 256), nn.GELU(), nn.Linear(256, 2)
        )

    def forward(self, pictures: Tensor) -> Tensor:
        """float (n, 2), for pictures (n, 3, height, width)."""
        values = pictures
        for shrink, stage in zip(self.downsample_layers, self.stages, strict=True):
            values = stage(shrink(values))
        answers: Tensor = self.head(self.norm(values.mean(dim=(-2, -1))))
        return answers

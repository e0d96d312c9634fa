"""The network of the lite structure estimator: a U-Net of plain 3 x 3 convolutions, small enough for a CPU.

Ronneberger et al., "U-Net", MICCAI 2015, with residual blocks (He et al., CVPR 2016) on the way down. It looks at a square window
around the people of a picture and says of each of its pixels how far it is, which way it faces, and whether it is of a person.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from annotators.structure.inputs import CHANNELS

WIDTHS = (24, 48, 96, 160, 192)
"""Channels at 1/2, 1/4, 1/8, 1/16 and 1/32 of the window's side."""
BLOCKS = (0, 1, 2, 2, 2)
"""Residual blocks at each of these."""
UP_WIDTHS = (32, 64, 96, 160)
"""Channels on the way up, at 1/2, 1/4, 1/8 and 1/16."""
MULTIPLE = 2 ** len(WIDTHS)
"""Of which the window's side, in pixels, must be a multiple."""


def _conv(inside: int, outside: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inside, outside, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outside),
        nn.ReLU(inplace=True),
    )


class _Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = _conv(width, width)
        self.second = nn.Sequential(nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.relu(x + self.second(self.first(x)))


class _Up(nn.Module):
    """Twice the size, joined with what was seen at that size on the way down."""

    def __init__(self, below: int, beside: int, width: int) -> None:
        super().__init__()
        self.join = _conv(below + beside, width, kernel=1)
        self.mix = _conv(width, width)

    def forward(self, below: torch.Tensor, beside: torch.Tensor) -> torch.Tensor:
        grown = F.interpolate(below, scale_factor=2, mode="bilinear", align_corners=False)
        return self.mix(self.join(torch.cat([grown, beside], dim=1)))


class LiteStructureNet(nn.Module):
    """Input float (n, ``CHANNELS``, side, side) as ``annotators.structure.inputs`` makes it, side a multiple of ``MULTIPLE``.

    Output float (n, 5, side, side): depth (relative, grows with distance, of no fixed scale or shift), normal as x right, y up,
    z towards the camera (of length 1), and the log-odds that the pixel shows a person.
    """

    def __init__(self) -> None:
        super().__init__()
        inside = (CHANNELS, *WIDTHS[:-1])
        self.down = nn.ModuleList(
            nn.Sequential(_conv(before, width, stride=2), *(_Residual(width) for _ in range(blocks)))
            for before, width, blocks in zip(inside, WIDTHS, BLOCKS, strict=True)
        )
        below = (*UP_WIDTHS[1:], WIDTHS[-1])
        self.up = nn.ModuleList(
            _Up(under, beside, width) for under, beside, width in zip(below, WIDTHS[:-1], UP_WIDTHS, strict=True)
        )
        self.head = nn.Conv2d(UP_WIDTHS[0], 5, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        seen = []
        for stage in self.down:
            x = stage(x)
            seen.append(x)
        for stage, beside in zip(reversed(self.up), reversed(seen[:-1]), strict=True):
            x = stage(x, beside)
        said = F.interpolate(self.head(x), scale_factor=2, mode="bilinear", align_corners=False)
        return torch.cat([said[:, :1], F.normalize(said[:, 1:4], dim=1), said[:, 4:]], dim=1)

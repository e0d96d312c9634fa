"""ViTPose with its "classic" decoder, as the checkpoints of its authors name its parts.

Xu, Zhang, Zhang and Tao, "ViTPose: Simple Vision Transformer Baselines for Human Pose Estimation" (NeurIPS 2022,
https://github.com/ViTAE-Transformer/ViTPose): a plain vision transformer of one resolution, and two transposed convolutions
that turn its patches into one heatmap for each point.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, scaled_dot_product_attention

PATCH = 16
HEATMAP_STRIDE = 4
"""Pixels of the input for one of the heatmaps, along each side."""

_LayerNorm = partial(nn.LayerNorm, eps=1e-6)


@dataclass(frozen=True)
class Shape:
    """The sizes of a network; the defaults are those of ViTPose-H for the 133 points of COCO-WholeBody.

    Attributes:
        width: of the transformer.
        blocks: of the transformer.
        heads: of its attention.
        decoder: width of the transposed convolutions.
        points: heatmaps that come out.
        input: (width, height) of the pictures that the learnt positions are for, in pixels; multiples of ``PATCH``.
    """

    width: int = 1280
    blocks: int = 32
    heads: int = 16
    decoder: int = 256
    points: int = 133
    input: tuple[int, int] = (192, 256)


class ViTPose(nn.Module):
    """The network.

    Args:
        shape: its sizes.
    """

    def __init__(self, shape: Shape | None = None) -> None:
        super().__init__()
        shape = shape or Shape()
        self.backbone = Backbone(shape)
        self.keypoint_head = _Decoder(shape)

    def forward(self, images: Tensor) -> Tensor:
        """float (batch, points, height / 4, width / 4): about 1 where a point is, 0 elsewhere.

        Args:
            images: float (batch, 3, height, width) of the shape's ``input``, normalised.
        """
        patches = self.backbone(images)
        heatmaps: Tensor = self.keypoint_head(patches.to(self.keypoint_head.final_layer.weight.dtype))
        return heatmaps


class Backbone(nn.Module):
    """Patches (batch, width, rows, columns)."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        patches = (shape.input[0] // PATCH) * (shape.input[1] // PATCH)
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + patches, shape.width))
        self.patch_embed = _PatchEmbedding(shape.width)
        self.blocks = nn.ModuleList(_Block(shape.width, shape.heads) for _ in range(shape.blocks))
        self.last_norm = _LayerNorm(shape.width)

    def forward(self, images: Tensor) -> Tensor:
        grid = self.patch_embed.proj(images)
        absent_class_token, positions = self.pos_embed[:, :1], self.pos_embed[:, 1:]
        tokens = grid.flatten(2).transpose(1, 2) + positions + absent_class_token
        for block in self.blocks:
            tokens = block(tokens)
        patches: Tensor = self.last_norm(tokens).transpose(1, 2).unflatten(2, grid.shape[2:])
        return patches


class _PatchEmbedding(nn.Module):
    """The padding shifts the patches by two pixels and adds none."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, width, PATCH, stride=PATCH, padding=2)


class _Block(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm1 = _LayerNorm(width)
        self.attn = _Attention(width, heads)
        self.norm2 = _LayerNorm(width)
        self.mlp = _Perceptron(width)

    def forward(self, tokens: Tensor) -> Tensor:
        attended: Tensor = tokens + self.attn(self.norm1(tokens))
        changed: Tensor = attended + self.mlp(self.norm2(attended))
        return changed


class _Attention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        self._heads = heads

    def forward(self, tokens: Tensor) -> Tensor:
        query, key, value = self.qkv(tokens).unflatten(2, (3, self._heads, -1)).permute(2, 0, 3, 1, 4)
        attended = scaled_dot_product_attention(query, key, value)
        projected: Tensor = self.proj(attended.transpose(1, 2).flatten(2))
        return projected


class _Perceptron(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        changed: Tensor = self.fc2(gelu(self.fc1(tokens)))
        return changed


class _Decoder(nn.Module):
    """Heatmaps of four times the patches' resolution."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for width in (shape.width, shape.decoder):
            layers += [
                nn.ConvTranspose2d(width, shape.decoder, 4, stride=2, padding=1, bias=False),
                nn.BatchNorm2d(shape.decoder),
                nn.ReLU(),
            ]
        self.deconv_layers = nn.Sequential(*layers)
        self.final_layer = nn.Conv2d(shape.decoder, shape.points, 1)

    def forward(self, patches: Tensor) -> Tensor:
        heatmaps: Tensor = self.final_layer(self.deconv_layers(patches))
        return heatmaps


_MMPOSE_1 = (
    (r"backbone\.layers\.(\d+)\.ln([12])\.", r"backbone.blocks.\1.norm\2."),
    (r"backbone\.layers\.(\d+)\.attn\.", r"backbone.blocks.\1.attn."),
    (r"backbone\.layers\.(\d+)\.ffn\.layers\.0\.0\.", r"backbone.blocks.\1.mlp.fc1."),
    (r"backbone\.layers\.(\d+)\.ffn\.layers\.1\.", r"backbone.blocks.\1.mlp.fc2."),
    (r"backbone\.patch_embed\.projection\.", "backbone.patch_embed.proj."),
    (r"backbone\.ln1\.", "backbone.last_norm."),
    (r"head\.", "keypoint_head."),
)
"""How names begin in checkpoints of MMPose 1.x, whose transformer is mmpretrain's, and here."""


def as_published(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A checkpoint's tensors under the names of ViTPose's authors.

    Those of MMPose 1.x are renamed, and get the position of the absent class token, which they do not have: zero. All others
    come back as they are.
    """
    if "backbone.ln1.weight" not in tensors:
        return dict(tensors)
    named = {_renamed(name): tensor for name, tensor in tensors.items()}
    positions = named.get("backbone.pos_embed")
    if positions is not None:
        named["backbone.pos_embed"] = torch.cat([torch.zeros_like(positions[:, :1]), positions], dim=1)
    return named


def _renamed(name: str) -> str:
    for theirs, ours in _MMPOSE_1:
        changed, times = re.subn(f"^{theirs}", ours, name)
        if times:
            return changed
    return name

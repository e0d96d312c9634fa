"""The dense prediction transformer with a convolutional stem ("DPT-hybrid"), as Omnidata's checkpoints name its parts.

Ranftl, Bochkovskiy and Koltun, "Vision Transformers for Dense Prediction" (ICCV 2021): a ResNet-50 without its last stage
embeds patches for a ViT-B; two maps of the ResNet and two of the transformer are brought to one width and fused from coarse
to fine. The backbone is timm's ``vit_base_r50_s16_384`` with its classifier, which is never used but is in the checkpoints.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from timm.layers import GroupNormAct, HybridEmbed, StdConv2dSame
from timm.models.resnetv2 import ResNetV2
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn
from torch.nn.functional import gelu, interpolate, relu

STRIDE = 32
"""Both sides of the input must be multiples of it, or the maps that are fused do not meet."""

_HEAD_WIDTH = 32


@dataclass(frozen=True)
class Shape:
    """The sizes of a network; the defaults are those of the published checkpoints.

    Attributes:
        layers: blocks in each of the ResNet's three stages.
        channels: width of each of them.
        stem: width of its first convolution.
        groups: of its group normalisations.
        width: of the transformer.
        heads: of its attention.
        reads: the transformer's blocks whose outputs are fused; the last is the transformer's last.
        features: width of the fused maps.
        side: of the square input that the learnt positions are for, in pixels.
        classes: of the unused classifier.
    """

    layers: tuple[int, int, int] = (3, 4, 9)
    channels: tuple[int, int, int] = (256, 512, 1024)
    stem: int = 64
    groups: int = 32
    width: int = 768
    heads: int = 12
    reads: tuple[int, int] = (8, 11)
    features: int = 256
    side: int = 384
    classes: int = 1000


class DptHybrid(nn.Module):
    """The network, with as many output channels as asked for.

    Args:
        outputs: 1 for depth, 3 for normals.
        shape: its sizes.
    """

    def __init__(self, outputs: int, shape: Shape | None = None) -> None:
        super().__init__()
        shape = shape or Shape()
        self.pretrained = _Encoder(shape)
        self.scratch = _Decoder(shape, outputs)

    def forward(self, images: Tensor) -> Tensor:
        """float (batch, outputs, height, width), not negative.

        Args:
            images: float (batch, 3, height, width), sides multiples of ``STRIDE``.
        """
        decoded: Tensor = self.scratch(self.pretrained(images))
        return decoded


class _Encoder(nn.Module):
    """The backbone, and its maps at a quarter, an eighth, a sixteenth and a thirty-second of the input's size."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        resnet = ResNetV2(
            list(shape.layers),
            channels=shape.channels,
            num_classes=0,
            global_pool="",
            stem_chs=shape.stem,
            stem_type="same",
            preact=False,
            norm_layer=partial(GroupNormAct, num_groups=shape.groups),
            conv_layer=partial(StdConv2dSame, eps=1e-8),
        )
        self.model: Any = VisionTransformer(
            img_size=shape.side,
            patch_size=1,
            num_classes=shape.classes,
            embed_dim=shape.width,
            depth=shape.reads[-1] + 1,
            num_heads=shape.heads,
            embed_layer=partial(HybridEmbed, backbone=resnet),
        )
        self.act_postprocess3 = _Reassembled(shape.width)
        self.act_postprocess4 = _Reassembled(shape.width)
        self.act_postprocess4.add_module("4", nn.Conv2d(shape.width, shape.width, 3, stride=2, padding=1))
        self._reads = shape.reads

    def forward(self, images: Tensor) -> list[Tensor]:
        resnet = self.model.patch_embed.backbone
        quarter = resnet.stages[0](resnet.stem(images))
        eighth = resnet.stages[1](quarter)
        patches = self.model.patch_embed.proj(resnet.stages[2](eighth))
        sixteenth, thirty_second = self._transformed(patches)
        return [quarter, eighth, self.act_postprocess3(sixteenth), self.act_postprocess4(thirty_second)]

    def _transformed(self, patches: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Of each block in ``reads``: the patches (batch, width, rows, columns) and the class token (batch, width)."""
        rows, columns = patches.shape[2:]
        token = self.model.cls_token.expand(len(patches), -1, -1)
        tokens = torch.cat([token, patches.flatten(2).transpose(1, 2)], dim=1) + self._positions(rows, columns)
        read = []
        for index, block in enumerate(self.model.blocks):
            tokens = block(tokens)
            if index in self._reads:
                read.append((tokens[:, 1:].transpose(1, 2).unflatten(2, (rows, columns)), tokens[:, 0]))
        return read

    def _positions(self, rows: int, columns: int) -> Tensor:
        """The learnt positions, those of the patches resized bilinearly to ``rows`` × ``columns``."""
        token, grid = self.model.pos_embed[:, :1], self.model.pos_embed[:, 1:]
        learnt = round(grid.shape[1] ** 0.5)
        square = grid.transpose(1, 2).unflatten(2, (learnt, learnt))
        resized = interpolate(square, size=(rows, columns), mode="bilinear", align_corners=False)
        return torch.cat([token, resized.flatten(2).transpose(1, 2)], dim=1)


class _Readout(nn.Module):
    """Readout "project": what the class token knows goes into every patch."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.project = nn.Sequential(nn.Linear(2 * width, width))

    def forward(self, patches: Tensor, token: Tensor) -> Tensor:
        everywhere = token[:, :, None, None].expand_as(patches)
        both = torch.cat([patches, everywhere], dim=1).permute(0, 2, 3, 1)
        return gelu(self.project(both)).permute(0, 3, 1, 2)


class _Reassembled(nn.Module):
    """A map (batch, width, rows, columns) of the transformer's tokens; the checkpoints number its parts 0, 3 and 4."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.add_module("0", _Readout(width))
        self.add_module("3", nn.Conv2d(width, width, 1))

    def forward(self, read: tuple[Tensor, Tensor]) -> Tensor:
        readout, *convolutions = self.children()
        reassembled = readout(*read)
        for convolution in convolutions:
            reassembled = convolution(reassembled)
        return reassembled


class _Decoder(nn.Module):
    """Fuses the encoder's four maps, coarse to fine, and ends in the output head."""

    def __init__(self, shape: Shape, outputs: int) -> None:
        super().__init__()
        widths = (*shape.channels[:2], shape.width, shape.width)
        for number, width in enumerate(widths, start=1):
            self.add_module(f"layer{number}_rn", nn.Conv2d(width, shape.features, 3, padding=1, bias=False))
            self.add_module(f"refinenet{number}", _Fusion(shape.features))
        self.output_conv = nn.Sequential(
            nn.Conv2d(shape.features, shape.features // 2, 3, padding=1),
            nn.UpsamplingBilinear2d(scale_factor=2),
            nn.Conv2d(shape.features // 2, _HEAD_WIDTH, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(_HEAD_WIDTH, outputs, 1),
            nn.ReLU(),
        )

    def forward(self, maps: list[Tensor]) -> Tensor:
        fused: Tensor | None = None
        for number in range(len(maps), 0, -1):
            finer = self.get_submodule(f"layer{number}_rn")(maps[number - 1])
            fused = self.get_submodule(f"refinenet{number}")(finer, fused)
        head: Tensor = self.output_conv(fused)
        return head


class _Fusion(nn.Module):
    """Adds a finer map to the coarser ones' sum and doubles its size. The coarsest has nothing to add to: its first unit
    is in the checkpoints and idle."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.resConfUnit1 = _Residual(features)
        self.resConfUnit2 = _Residual(features)
        self.out_conv = nn.Conv2d(features, features, 1)

    def forward(self, finer: Tensor, coarser: Tensor | None) -> Tensor:
        merged = finer if coarser is None else coarser + self.resConfUnit1(finer)
        doubled = interpolate(self.resConfUnit2(merged), scale_factor=2, mode="bilinear", align_corners=True)
        fused: Tensor = self.out_conv(doubled)
        return fused


class _Residual(nn.Module):
    def __init__(self, features: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(features, features, 3, padding=1)
        self.conv2 = nn.Conv2d(features, features, 3, padding=1)

    def forward(self, features: Tensor) -> Tensor:
        changed: Tensor = self.conv2(relu(self.conv1(relu(features))))
        return features + changed


def stripped(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A published checkpoint's tensors under this module's names: without the training wrapper's ``model.`` in front.

    ``pretrained.model.…`` keeps its own; a checkpoint that has no such wrapper comes back as it is.
    """
    wrapper = "model."
    wrapped = all(name.startswith(wrapper) for name in tensors)
    return {name.removeprefix(wrapper) if wrapped else name: tensor for name, tensor in tensors.items()}

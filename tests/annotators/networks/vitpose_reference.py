"""A second implementation of ViTPose, that of transformers, and our tensors under its names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import torch

from annotators.networks.vitpose import Shape

TINY = Shape(width=32, blocks=2, heads=4, decoder=256, points=5, input=(48, 64))
"""transformers' decoder has no other width than 256."""

_RENAMED = (
    (r"backbone\.pos_embed", "backbone.embeddings.position_embeddings"),
    (r"backbone\.patch_embed\.proj\.", "backbone.embeddings.patch_embeddings.projection."),
    (r"backbone\.blocks\.(\d+)\.norm1\.", r"backbone.encoder.layer.\1.layernorm_before."),
    (r"backbone\.blocks\.(\d+)\.norm2\.", r"backbone.encoder.layer.\1.layernorm_after."),
    (r"backbone\.blocks\.(\d+)\.attn\.proj\.", r"backbone.encoder.layer.\1.attention.output.dense."),
    (r"backbone\.blocks\.(\d+)\.mlp\.", r"backbone.encoder.layer.\1.mlp."),
    (r"backbone\.last_norm\.", "backbone.layernorm."),
    (r"keypoint_head\.deconv_layers\.0\.", "head.deconv1."),
    (r"keypoint_head\.deconv_layers\.1\.", "head.batchnorm1."),
    (r"keypoint_head\.deconv_layers\.3\.", "head.deconv2."),
    (r"keypoint_head\.deconv_layers\.4\.", "head.batchnorm2."),
    (r"keypoint_head\.final_layer\.", "head.conv."),
)
_QKV = re.compile(r"backbone\.blocks\.(\d+)\.attn\.qkv\.(weight|bias)")


def reference(shape: Shape, tensors: Mapping[str, torch.Tensor]) -> Any:
    """transformers' ``VitPoseForPoseEstimation`` of the same sizes, with our tensors; every one of its own is given."""
    from transformers import VitPoseBackboneConfig, VitPoseConfig, VitPoseForPoseEstimation

    backbone = VitPoseBackboneConfig(  # type: ignore[call-arg]
        image_size=[shape.input[1], shape.input[0]],
        patch_size=[16, 16],
        hidden_size=shape.width,
        num_hidden_layers=shape.blocks,
        num_attention_heads=shape.heads,
        mlp_ratio=4,
        layer_norm_eps=1e-6,
        out_indices=[shape.blocks],
    )
    config = VitPoseConfig(  # type: ignore[call-arg]
        backbone_config=backbone, num_labels=shape.points, use_simple_decoder=False
    )
    model = VitPoseForPoseEstimation(config)
    model.load_state_dict(renamed(tensors), strict=True)
    return model.eval()


def renamed(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Our tensors under the names that transformers has for them."""
    made: dict[str, torch.Tensor] = {}
    for name, tensor in tensors.items():
        if found := _QKV.fullmatch(name):
            for part, piece in zip(("query", "key", "value"), tensor.chunk(3), strict=True):
                made[f"backbone.encoder.layer.{found[1]}.attention.attention.{part}.{found[2]}"] = piece
            continue
        for ours, theirs in _RENAMED:
            name = re.sub(ours, theirs, name)
        made[name] = tensor
    return made

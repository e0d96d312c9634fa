"""A second implementation of the same network, that of transformers, and our tensors under its names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import torch

from annotators.networks.dpt_hybrid import Shape

TINY = Shape(
    layers=(1, 2, 1),
    channels=(32, 64, 128),
    stem=16,
    groups=8,
    width=48,
    heads=3,
    reads=(1, 2),
    features=16,
    side=96,
    classes=5,
)

_BACKBONE = "dpt.embeddings.backbone.bit."
_RENAMED = (
    (r"pretrained\.model\.patch_embed\.backbone\.stem\.conv\.", rf"{_BACKBONE}embedder.convolution."),
    (r"pretrained\.model\.patch_embed\.backbone\.stem\.norm\.", rf"{_BACKBONE}embedder.norm."),
    (r"pretrained\.model\.patch_embed\.backbone\.stages\.(\d)\.blocks\.", rf"{_BACKBONE}encoder.stages.\1.layers."),
    (r"pretrained\.model\.patch_embed\.proj\.", "dpt.embeddings.projection."),
    (r"pretrained\.model\.cls_token", "dpt.embeddings.cls_token"),
    (r"pretrained\.model\.pos_embed", "dpt.embeddings.position_embeddings"),
    (r"pretrained\.model\.norm\.", "dpt.layernorm."),
    (r"pretrained\.model\.blocks\.(\d+)\.norm1\.", r"dpt.encoder.layer.\1.layernorm_before."),
    (r"pretrained\.model\.blocks\.(\d+)\.norm2\.", r"dpt.encoder.layer.\1.layernorm_after."),
    (r"pretrained\.model\.blocks\.(\d+)\.attn\.proj\.", r"dpt.encoder.layer.\1.attention.output.dense."),
    (r"pretrained\.model\.blocks\.(\d+)\.mlp\.fc1\.", r"dpt.encoder.layer.\1.intermediate.dense."),
    (r"pretrained\.model\.blocks\.(\d+)\.mlp\.fc2\.", r"dpt.encoder.layer.\1.output.dense."),
    (r"scratch\.output_conv\.", "head.head."),
)
_QKV = re.compile(r"pretrained\.model\.blocks\.(\d+)\.attn\.qkv\.(weight|bias)")
_REASSEMBLED = re.compile(r"pretrained\.act_postprocess(\d)\.(.+)\.(weight|bias)")
_PARTS = {"0.project.0": "readout_projects.{}.0", "3": "layers.{}.projection", "4": "layers.{}.resize"}
_NARROWED = re.compile(r"scratch\.layer(\d)_rn\.")
_FUSED = re.compile(r"scratch\.refinenet(\d)\.")
_FUSED_PARTS = {"resConfUnit": "residual_layer", "out_conv": "projection", ".conv": ".convolution"}


def reference(shape: Shape, tensors: Mapping[str, torch.Tensor]) -> Any:
    """transformers' ``DPTForDepthEstimation`` of the same sizes, with our tensors; every one of its own is given."""
    from transformers import BitConfig, DPTConfig, DPTForDepthEstimation

    backbone = BitConfig(  # type: ignore[call-arg]
        embedding_size=shape.stem,
        hidden_sizes=list(shape.channels),
        depths=list(shape.layers),
        num_groups=shape.groups,
        layer_type="bottleneck",
        global_padding="same",
        embedding_dynamic_padding=True,
        out_features=["stage1", "stage2", "stage3"],
    )
    grid = shape.side // 16
    config = DPTConfig(
        is_hybrid=True,
        backbone_config=backbone,
        hidden_size=shape.width,
        num_attention_heads=shape.heads,
        num_hidden_layers=shape.reads[-1] + 1,
        intermediate_size=4 * shape.width,
        layer_norm_eps=1e-6,
        image_size=shape.side,
        backbone_featmap_shape=[1, shape.channels[-1], grid, grid],
        neck_hidden_sizes=[*shape.channels[:2], shape.width, shape.width],
        fusion_hidden_size=shape.features,
        backbone_out_indices=[0, 1, *shape.reads],
    )
    model = DPTForDepthEstimation(config)
    model.load_state_dict(renamed(tensors), strict=True)
    return model.eval()


def renamed(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Our tensors under the names that transformers has for them; it has none for the classifier."""
    made: dict[str, torch.Tensor] = {}
    for name, tensor in tensors.items():
        if name.startswith("pretrained.model.head."):
            continue
        if found := _QKV.fullmatch(name):
            for part, piece in zip(("query", "key", "value"), tensor.chunk(3), strict=True):
                made[f"dpt.encoder.layer.{found[1]}.attention.attention.{part}.{found[2]}"] = piece
        else:
            made[_name(name)] = tensor
    return made


def _name(name: str) -> str:
    if found := _REASSEMBLED.fullmatch(name):
        part = _PARTS[found[2]].format(int(found[1]) - 1)
        return f"neck.reassemble_stage.{part}.{found[3]}"
    name = _NARROWED.sub(lambda found: f"neck.convs.{int(found[1]) - 1}.", name)
    if found := _FUSED.match(name):
        rest = name[found.end() :]
        for ours, theirs in _FUSED_PARTS.items():
            rest = rest.replace(ours, theirs)
        return f"neck.fusion_stage.layers.{4 - int(found[1])}.{rest}"
    for ours, theirs in _RENAMED:
        name = re.sub(ours, theirs, name)
    return name

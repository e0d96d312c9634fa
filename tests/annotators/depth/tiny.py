"""Tiny models with random weights of the classes that estimators load, as folders or files like the published ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from humanverse.torchvision_operators import prepare_torchvision


def _seeded() -> Any:
    """transformers, ready to draw the same weights each time."""
    prepare_torchvision()
    import torch
    import transformers

    transformers.utils.logging.disable_progress_bar()
    torch.manual_seed(0)
    return transformers


def _saved(model: Any, processor: Any, folder: Path) -> Path:
    """The folder with both; every parameter drawn anew, wide enough that answers differ from pixel to pixel."""
    import torch

    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def midas_dpt(folder: Path) -> Path:
    """DPT-hybrid of Intel/dpt-hybrid-midas's classes for 96 x 96."""
    transformers = _seeded()
    backbone = transformers.BitConfig(
        embedding_size=16,
        hidden_sizes=[32, 64, 128],
        depths=[1, 1, 1],
        num_groups=8,
        layer_type="bottleneck",
        global_padding="same",
        embedding_dynamic_padding=True,
        out_features=["stage1", "stage2", "stage3"],
    )
    config = transformers.DPTConfig(
        is_hybrid=True,
        backbone_config=backbone,
        hidden_size=48,
        num_attention_heads=3,
        num_hidden_layers=3,
        intermediate_size=96,
        image_size=96,
        backbone_featmap_shape=[1, 128, 6, 6],
        neck_hidden_sizes=[32, 64, 48, 48],
        fusion_hidden_size=16,
        backbone_out_indices=[0, 1, 1, 2],
    )
    processor = transformers.DPTImageProcessorPil(
        size={"height": 96, "width": 96}, image_mean=[0.5] * 3, image_std=[0.5] * 3, resample=2
    )
    return _saved(transformers.DPTForDepthEstimation(config), processor, folder)


def depth_anything(folder: Path, kind: str = "relative") -> Path:
    """Depth Anything with a DINOv2 of four layers, shorter side 56."""
    transformers = _seeded()
    backbone = transformers.Dinov2Config(
        image_size=56,
        hidden_size=32,
        num_attention_heads=2,
        num_hidden_layers=4,
        patch_size=14,
        mlp_ratio=2,
        out_indices=[1, 2, 3, 4],
        reshape_hidden_states=False,
    )
    config = transformers.DepthAnythingConfig(
        backbone_config=backbone,
        reassemble_hidden_size=32,
        neck_hidden_sizes=[8, 16, 24, 32],
        fusion_hidden_size=8,
        head_hidden_size=8,
        depth_estimation_type=kind,
        max_depth=20,
    )
    processor = transformers.DPTImageProcessorPil(
        size={"height": 56, "width": 56},
        keep_aspect_ratio=True,
        ensure_multiple_of=14,
        image_mean=[0.485, 0.456, 0.406],
        image_std=[0.229, 0.224, 0.225],
        resample=3,
    )
    return _saved(transformers.DepthAnythingForDepthEstimation(config), processor, folder)


def depth_pro(folder: Path) -> Path:
    """Depth Pro for 128 x 128 in patches of 32."""
    transformers = _seeded()
    encoder = {
        "model_type": "dinov2",
        "image_size": 32,
        "hidden_size": 16,
        "num_attention_heads": 2,
        "num_hidden_layers": 2,
        "patch_size": 8,
        "mlp_ratio": 2,
    }
    config = transformers.DepthProConfig(
        patch_size=32,
        fusion_hidden_size=16,
        intermediate_hook_ids=[1, 0],
        intermediate_feature_dims=[16, 16],
        scaled_images_feature_dims=[16, 16, 16],
        image_model_config=dict(encoder),
        patch_model_config=dict(encoder),
        fov_model_config=dict(encoder),
        use_fov_model=True,
        merge_padding_value=1,
    )
    processor = transformers.DepthProImageProcessor(size={"height": 128, "width": 128})
    return _saved(transformers.DepthProForDepthEstimation(config), processor, folder)


def midas_dpt_full(folder: Path) -> Path:
    """DPT-hybrid as Intel/dpt-hybrid-midas has it, in all its size."""
    transformers = _seeded()
    config = transformers.DPTConfig(is_hybrid=True, neck_hidden_sizes=[256, 512, 768, 768])
    processor = transformers.DPTImageProcessorPil(image_mean=[0.5] * 3, image_std=[0.5] * 3, resample=2)
    return _saved(transformers.DPTForDepthEstimation(config), processor, folder)


def depth_anything_full(folder: Path) -> Path:
    """Depth Anything V2 Small in all its size."""
    transformers = _seeded()
    processor = transformers.DPTImageProcessorPil(
        size={"height": 518, "width": 518},
        keep_aspect_ratio=True,
        ensure_multiple_of=14,
        image_mean=[0.485, 0.456, 0.406],
        image_std=[0.229, 0.224, 0.225],
        resample=3,
    )
    return _saved(transformers.DepthAnythingForDepthEstimation(transformers.DepthAnythingConfig()), processor, folder)


def omnidata(path: Path, outputs: int) -> Path:
    """A tiny DPT-hybrid's checkpoint as Omnidata publishes its own: under ``state_dict``, names with ``model.`` in front.

    Its answers lie around the middle of what it may say.
    """
    import torch

    from annotators.networks.dpt_hybrid import DptHybrid
    from tests.annotators.networks.dpt_reference import TINY

    torch.manual_seed(outputs)
    network = DptHybrid(outputs, TINY)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.15)
    last: Any = network.scratch.output_conv[4]
    torch.nn.init.constant_(last.bias, 0.5)
    tensors = {f"model.{name}": tensor for name, tensor in network.state_dict().items()}
    torch.save({"epoch": 3, "state_dict": tensors}, path)
    return path

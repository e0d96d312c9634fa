"""Tiny models with random weights, of the same classes as the real ones, saved as their owners save theirs.

Each function writes a model and what goes with it to a folder, which ``--weights`` takes. Weights are the same each time.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from humanverse.torchvision_operators import prepare_torchvision

prepare_torchvision()

CLASSES = {0: "N/A", 1: "person", 2: "bicycle"}
NARROW: dict[str, Any] = {
    "encoder_hidden_dim": 32,
    "encoder_ffn_dim": 32,
    "encoder_attention_heads": 2,
    "d_model": 32,
    "decoder_in_channels": [32, 32, 32],
    "decoder_ffn_dim": 32,
    "decoder_attention_heads": 2,
    "decoder_layers": 2,
    "num_queries": 20,
    "num_denoising": 0,
    "id2label": CLASSES,
    "initializer_range": 0.3,
}
"""What the detectors with a hybrid encoder (RT-DETRv2, D-FINE) have in common when they are tiny."""


def saved(folder: Path, make: Callable[[], Any], *beside: Any) -> Path:
    """The model that ``make`` builds, and what goes with it, in ``folder``."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        model = make()
    model.eval().save_pretrained(folder)
    for item in beside:
        item.save_pretrained(folder)
    return folder


def yolos(folder: Path) -> Path:
    """YOLOS with two blocks of 32; it looks at pictures whose shorter side is 96."""
    from transformers import YolosConfig, YolosForObjectDetection, YolosImageProcessor

    config = YolosConfig(
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        image_size=[96, 128],
        num_detection_tokens=12,
        id2label=CLASSES,
        initializer_range=0.3,
    )
    processor = YolosImageProcessor(size={"shortest_edge": 96, "longest_edge": 250})
    return saved(folder, lambda: YolosForObjectDetection(config), processor)


def dfine(folder: Path) -> Path:
    """D-FINE with a narrow backbone and one decoder layer; it looks at pictures of 128 x 128."""
    from transformers import DFineConfig, DFineForObjectDetection, HGNetV2Config, RTDetrImageProcessor

    backbone = HGNetV2Config(
        stem_channels=[3, 8, 8],
        stage_in_channels=[8, 16, 16, 16],
        stage_mid_channels=[8, 8, 8, 8],
        stage_out_channels=[16, 16, 16, 16],
        hidden_sizes=[16, 16, 16, 16],
        embedding_size=8,
        stage_num_blocks=[1, 1, 1, 1],
        stage_downsample=[False, True, True, True],
        stage_light_block=[False, False, True, True],
        stage_kernel_size=[3, 3, 5, 5],
        stage_numb_of_layers=[1, 1, 1, 1],
        out_features=["stage2", "stage3", "stage4"],
    )
    config = DFineConfig(
        backbone_config=backbone,
        encoder_in_channels=[16, 16, 16],
        **NARROW,
    )
    processor = RTDetrImageProcessor(size={"height": 128, "width": 128})
    return saved(folder, lambda: DFineForObjectDetection(config), processor)


def rtdetr(folder: Path) -> Path:
    """RT-DETRv2 with a narrow backbone and two decoder layers; it looks at pictures of 128 x 128, and sees
    people about as often as nothing."""
    from transformers import RTDetrImageProcessor, RTDetrResNetConfig, RTDetrV2Config, RTDetrV2ForObjectDetection

    backbone = RTDetrResNetConfig(
        embedding_size=8,
        hidden_sizes=[8, 16, 24, 32],
        depths=[1, 1, 1, 1],
        layer_type="basic",
        out_features=["stage2", "stage3", "stage4"],
    )
    config = RTDetrV2Config(
        backbone_config=backbone,
        encoder_in_channels=[16, 24, 32],
        **NARROW,
    )
    processor = RTDetrImageProcessor(size={"height": 128, "width": 128})

    def make() -> Any:
        model = RTDetrV2ForObjectDetection(config)
        for layer in model.model.decoder.class_embed:
            layer.bias.data[1] += 0.6
        return model

    return saved(folder, make, processor)

"""Tiny models with random weights of the classes that Sapiens2 and SegFormer are of, as folders like the published ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from annotators.segmentation.sapiens2 import PARTS
from annotators.segmentation.segformer_clothes import ATR
from tests.annotators.tiny import saved

_SMALL = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_attention_heads": 2,
    "num_first_full_attention_layers": 1,
    "num_last_full_attention_layers": 0,
    "image_size": [128, 96],
    "initializer_range": 0.3,
}
_PARTS_HEAD = {"upsample_out_channels": [16] * 4, "conv_out_channels": [16, 16]}
_SHUFFLED = {
    "use_pixel_shuffle": True,
    "upsample_out_channels": [16] * 4,
    "upsample_kernel_size": 3,
    "conv_out_channels": [16, 16, 16],
    "conv_kernel_size": 3,
}
_SCALE = {
    "scale_conv_out_channels": [8, 8],
    "scale_final_hidden_sizes": [8, 8],
}


def _sapiens2(folder: Path, model: str, labels: int, head: Mapping[str, Any], padded: bool, **config: Any) -> Path:
    """A Sapiens2 model; as published, its settings have no names of labels."""
    import transformers

    size = config.get("image_size", _SMALL["image_size"])
    settings: dict[str, Any] = {**_SMALL, **config, "num_labels": labels, "head_config": dict(head)}
    made = transformers.Sapiens2Config(**settings)
    shown = transformers.Sapiens2ImageProcessor(size={"height": size[0], "width": size[1]}, do_pad=padded)
    return saved(folder, lambda: getattr(transformers, model)(made), shown)


def sapiens2_parts(folder: Path, labels: int = len(PARTS)) -> Path:
    """Sapiens2 for parts, which looks at 96 x 128 (width x height)."""
    return _sapiens2(folder, "Sapiens2ForSemanticSegmentation", labels, _PARTS_HEAD, False)


def sapiens2_normal(folder: Path) -> Path:
    return _sapiens2(folder, "Sapiens2ForNormalEstimation", 3, _SHUFFLED, True)


def sapiens2_points(folder: Path, scale: bool = True) -> Path:
    """Sapiens2 for points, with the branch that says their scale or without."""
    head = {**_SHUFFLED, **(_SCALE if scale else {})}
    return _sapiens2(folder, "Sapiens2ForPointmapEstimation", 3, head, True)


def sapiens2_full(folder: Path, model: str, labels: int, head: Mapping[str, Any], padded: bool) -> Path:
    """Sapiens2-0.4B's backbone in all its size."""
    full = {
        "hidden_size": 1024,
        "intermediate_size": 4096,
        "num_hidden_layers": 24,
        "num_attention_heads": 16,
        "num_key_value_attention_heads": 8,
        "num_first_full_attention_layers": 8,
        "num_last_full_attention_layers": 8,
        "image_size": [1024, 768],
        "initializer_range": 0.02,
    }
    return _sapiens2(folder, model, labels, head, padded, **full)


def segformer(folder: Path, names: Sequence[str] = ATR) -> Path:
    """SegFormer with four narrow stages, which looks at 64 x 64."""
    import transformers

    config = transformers.SegformerConfig(
        depths=[1, 1, 1, 1],
        hidden_sizes=[8, 16, 16, 16],
        num_attention_heads=[1, 2, 2, 2],
        decoder_hidden_size=16,
        id2label=dict(enumerate(names)),
        initializer_range=0.3,
    )
    shown = transformers.SegformerImageProcessorPil(size={"height": 64, "width": 64})
    return saved(folder, lambda: transformers.SegformerForSemanticSegmentation(config), shown)


def segformer_full(folder: Path) -> Path:
    """SegFormer-B2 in all its size, as published."""
    import transformers

    config = transformers.SegformerConfig(
        depths=[3, 4, 6, 3],
        hidden_sizes=[64, 128, 320, 512],
        decoder_hidden_size=768,
        id2label=dict(enumerate(ATR)),
    )
    shown = transformers.SegformerImageProcessorPil(size={"height": 512, "width": 512})
    return saved(folder, lambda: transformers.SegformerForSemanticSegmentation(config), shown)

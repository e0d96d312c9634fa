"""Configurations by name: the backbones the paper starts from, its two models, and each of its ablations.

Everything here is plain data: ``StructuralUNet(**STRUCTURAL["paper"].model)`` builds the paper's stage 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SD2_BASE: Mapping[str, Any] = {
    "sample_size": 64,
    "in_channels": 4,
    "out_channels": 4,
    "down_block_types": ("CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
    "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
    "block_out_channels": (320, 640, 1280, 1280),
    "layers_per_block": 2,
    "cross_attention_dim": 1024,
    "attention_head_dim": (5, 10, 20, 20),
    "use_linear_projection": True,
}
"""The UNet of Stable Diffusion 2.0 base: 865,910,724 parameters. Fields that are not named have diffusers' defaults."""

SDXL_BASE: Mapping[str, Any] = {
    "sample_size": 128,
    "in_channels": 4,
    "out_channels": 4,
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    "block_out_channels": (320, 640, 1280),
    "layers_per_block": 2,
    "cross_attention_dim": 2048,
    "attention_head_dim": (5, 10, 20),
    "transformer_layers_per_block": (1, 2, 10),
    "use_linear_projection": True,
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 256,
    "projection_class_embeddings_input_dim": 2816,
}
"""The UNet of SDXL 1.0 base: 2,567,463,684 parameters. Fields that are not named have diffusers' defaults."""

RGB = {"name": "rgb", "channels": 4, "weight": 1.0}
DEPTH = {"name": "depth", "channels": 4, "weight": 1.0}
NORMAL = {"name": "normal", "channels": 4, "weight": 1.0}
TARGETS = (RGB, DEPTH, NORMAL)
"""What the paper's stage 1 denoises."""

SKELETON_LATENT = {"name": "skeleton", "channels": 4}
"""What the paper's stage 1 is told: the latent of the drawn skeleton."""

MAPS = ({"name": "skeleton", "channels": 3}, {"name": "depth", "channels": 3}, {"name": "normal", "channels": 3})
"""What the paper's stage 2 is told."""


@dataclass(frozen=True)
class Noise:
    """How training samples are noised.

    Attributes:
        prediction: what the network predicts, ``v_prediction`` or ``epsilon``.
        zero_terminal_snr: whether the last step is noise alone.
        own_timesteps: whether each target of a sample draws a timestep of its own.
    """

    prediction: str = "v_prediction"
    zero_terminal_snr: bool = True
    own_timesteps: bool = False


@dataclass(frozen=True)
class StructuralSetting:
    """A stage 1 of the paper: arguments of ``StructuralUNet``, and how it is noised."""

    model: Mapping[str, Any] = field(default_factory=dict)
    noise: Noise = Noise()


STRUCTURAL: Mapping[str, StructuralSetting] = {
    "paper": StructuralSetting(),
    "rgb": StructuralSetting(model={"targets": (RGB,)}),
    "rgb_depth": StructuralSetting(model={"targets": (RGB, DEPTH)}),
    "half_block": StructuralSetting(model={"replication": "half"}),
    "two_blocks": StructuralSetting(model={"replication": "two"}),
    "epsilon": StructuralSetting(noise=Noise(prediction="epsilon", zero_terminal_snr=False)),
    "own_timesteps": StructuralSetting(noise=Noise(own_timesteps=True)),
}
"""The full model of stage 1 and its ablations, in the order of the paper's table."""


@dataclass(frozen=True)
class RefinerSetting:
    """A stage 2 of the paper: arguments of ``StructureRefiner``, and the probability with which each condition is dropped."""

    model: Mapping[str, Any] = field(default_factory=dict)
    dropout: float = 0.5


def _told(*names: str) -> RefinerSetting:
    return RefinerSetting(model={"conditions": tuple(entry for entry in MAPS if entry["name"] in names)})


REFINER: Mapping[str, RefinerSetting] = {
    "paper": _told("skeleton", "depth", "normal"),
    "no_dropout": RefinerSetting(dropout=0.0),
    "text": _told(),
    "skeleton": _told("skeleton"),
    "depth": _told("depth"),
    "normal": _told("normal"),
    "skeleton_depth": _told("skeleton", "depth"),
    "skeleton_normal": _told("skeleton", "normal"),
    "depth_normal": _told("depth", "normal"),
}
"""The full model of stage 2 and its ablations."""

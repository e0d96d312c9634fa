"""UNets that can be trained from scratch, by name; read without PyTorch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from humanverse import model_presets as presets
from humanverse.errors import UserError

TINY: Mapping[str, Any] = {
    "down_block_types": ("CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
    "block_out_channels": (64, 128, 256),
    "layers_per_block": 2,
    "attention_head_dim": (2, 4, 8),
    "use_linear_projection": True,
}
"""A small UNet like Stable Diffusion 2's, for pictures of up to 128 pixels and patches of 4."""

TINY_XL: Mapping[str, Any] = {
    **TINY,
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 32,
}
"""Likewise, with the inputs of SDXL's."""

BACKBONES: Mapping[str, Mapping[str, Any]] = {
    "sd2-base": presets.SD2_BASE,
    "sdxl-base": presets.SDXL_BASE,
    "tiny": TINY,
    "tiny-xl": TINY_XL,
}
"""UNets that can be trained from scratch, by name."""


def backbone(named: str | Mapping[str, Any]) -> Mapping[str, Any]:
    """The arguments of a UNet that is given by name or as they are.

    Raises:
        UserError: for an unknown name.
    """
    if not isinstance(named, str):
        return named
    if named not in BACKBONES:
        raise UserError(f"model.unet {named}: choose from {', '.join(BACKBONES)}, or give arguments of a UNet")
    return BACKBONES[named]

"""The networks of Stable Diffusion 2, which inpainting and Marigold are made of, tiny and in full size, with random weights."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch

from humanverse.torchvision_operators import prepare_torchvision


class Networks(NamedTuple):
    """Of diffusers and transformers."""

    unet: Any
    vae: Any
    text: Any


def tiny(channels: int, words: int, seed: int = 0) -> Networks:
    """Two narrow stages, which look at multiples of 16 pixels.

    Args:
        channels: that the UNet takes.
        words: of the vocabulary; the first two are the beginning and the end.
    """
    unet = {
        "sample_size": 64,
        "block_out_channels": (8, 16),
        "layers_per_block": 1,
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
        "cross_attention_dim": 16,
        "attention_head_dim": 4,
        "norm_num_groups": 4,
    }
    vae = {"block_out_channels": (8, 8, 8, 8), "norm_num_groups": 4}
    sizes = {"hidden_size": 16, "intermediate_size": 16, "num_attention_heads": 2, "num_hidden_layers": 1}
    ids = {"bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 1}
    text = {**sizes, **ids, "vocab_size": words, "max_position_embeddings": 8}
    return _made({**unet, "in_channels": channels}, vae, text, seed)


def full(channels: int) -> Networks:
    """Stable Diffusion 2's own sizes.

    Args:
        channels: that the UNet takes.
    """
    unet = {
        "sample_size": 64,
        "in_channels": channels,
        "cross_attention_dim": 1024,
        "attention_head_dim": (5, 10, 20, 20),
        "use_linear_projection": True,
    }
    vae = {"block_out_channels": (128, 256, 512, 512), "layers_per_block": 2}
    text = {"hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 23, "num_attention_heads": 16}
    return _made(unet, vae, text, 0)


def _made(unet: dict[str, Any], vae: dict[str, Any], text: dict[str, Any], seed: int) -> Networks:
    prepare_torchvision()
    import diffusers
    import transformers

    coder = {"down_block_types": ("DownEncoderBlock2D",) * 4, "up_block_types": ("UpDecoderBlock2D",) * 4}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Networks(
            diffusers.UNet2DConditionModel(out_channels=4, **unet),
            diffusers.AutoencoderKL(latent_channels=4, **coder, **vae),
            transformers.CLIPTextModel(transformers.CLIPTextConfig(**text)),
        )

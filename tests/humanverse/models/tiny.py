"""Models of the real classes, small enough for a test: backbones like Stable Diffusion 2's and SDXL's, a VAE, text encoders."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel

SD2: dict[str, Any] = {
    "sample_size": 8,
    "down_block_types": ("CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
    "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
    "block_out_channels": (8, 16, 16),
    "layers_per_block": 2,
    "cross_attention_dim": 12,
    "attention_head_dim": (2, 2, 4),
    "use_linear_projection": True,
    "norm_num_groups": 4,
}
SDXL: dict[str, Any] = {
    "sample_size": 8,
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    "block_out_channels": (8, 16, 16),
    "layers_per_block": 2,
    "cross_attention_dim": 12,
    "attention_head_dim": (2, 2, 4),
    "transformer_layers_per_block": (1, 1, 2),
    "use_linear_projection": True,
    "norm_num_groups": 4,
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 4,
    "projection_class_embeddings_input_dim": 6 * 4 + 8,
}
EMBEDDER = (4, 4, 8, 8)
"""Channels of a small map embedder."""

Made = TypeVar("Made")


def seeded(make: Callable[[], Made], seed: int = 0) -> Made:
    """What ``make`` gives with this seed; the generator of other tests is left alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return make()


def unet(config: dict[str, Any] = SD2, seed: int = 0, **changed: Any) -> UNet2DConditionModel:
    return seeded(lambda: UNet2DConditionModel(**{**config, **changed}), seed).eval()


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def shaken(model: torch.nn.Module, seed: int = 0, by: float = 0.05) -> None:
    """Move every weight of ``model`` a little, so that nothing is zero and no two branches are equal."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(by * torch.randn(weight.shape, generator=generator))


def vae() -> AutoencoderKL:
    return seeded(
        lambda: AutoencoderKL(
            block_out_channels=(4, 4, 4, 4),
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
            latent_channels=4,
            norm_num_groups=2,
        )
    ).eval()


def text_encoder(width: int, projected: int | None = None) -> Any:
    """A CLIP text encoder of ``width``; with a projection, as SDXL's second, if ``projected`` says how wide."""
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    config = CLIPTextConfig(
        vocab_size=32,
        hidden_size=width,
        intermediate_size=8,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=8,
        projection_dim=projected or width,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=1,
    )
    return seeded(lambda: (CLIPTextModelWithProjection if projected else CLIPTextModel)(config)).eval()


def tokenizer() -> Any:
    """A CLIP tokenizer that knows single letters."""
    from transformers import CLIPTokenizer

    words = ["<|startoftext|>", "<|endoftext|>", *"abcdefgh", *(f"{letter}</w>" for letter in "abcdefgh")]
    return CLIPTokenizer(vocab={word: number for number, word in enumerate(words)}, merges=[], model_max_length=8)

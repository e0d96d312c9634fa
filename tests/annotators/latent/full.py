"""Pipelines with one part of Stable Diffusion's in its true size and random weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from humanverse.training import untrained
from tests.annotators.tiny import saved

STAGES: dict[str, Any] = {"down_block_types": ("DownEncoderBlock2D",) * 4, "up_block_types": ("UpDecoderBlock2D",) * 4}
VAE: dict[str, Any] = {"block_out_channels": (128, 256, 512, 512), "layers_per_block": 2, "latent_channels": 4}
"""Of Stable Diffusion 1, 2 and SDXL alike."""
OPENCLIP_H: dict[str, Any] = {
    "hidden_size": 1024,
    "intermediate_size": 4096,
    "num_hidden_layers": 23,
    "num_attention_heads": 16,
    "hidden_act": "gelu",
    "projection_dim": 512,
    "vocab_size": 49408,
}


def vae(folder: Path) -> Path:
    """A pipeline's folder with a VAE of 84 million parameters."""
    from diffusers import AutoencoderKL

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        made: Any = AutoencoderKL(**STAGES, **VAE)
    made.save_pretrained(folder / "vae")
    return _indexed(folder)


def text(folder: Path) -> Path:
    """A pipeline's folder with the text encoder of Stable Diffusion 2, 340 million parameters, and CLIP's tokenizer."""
    from transformers import CLIPTextConfig, CLIPTextModel

    config: Any = CLIPTextConfig(**OPENCLIP_H)
    saved(folder / "text_encoder", lambda: CLIPTextModel(config))
    untrained.tokenizer().save_pretrained(folder / "tokenizer")
    return _indexed(folder)


def _indexed(folder: Path) -> Path:
    (folder / "model_index.json").write_text(json.dumps({"_class_name": "StableDiffusionPipeline"}))
    return folder

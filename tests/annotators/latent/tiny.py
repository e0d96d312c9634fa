"""A pipeline of Stable Diffusion's form with tiny networks, random weights and CLIP's real vocabulary."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from humanverse.training import untrained
from tests.annotators import stable_diffusion

WIDTH = 16
"""Of a token's state."""
SHRINKS = 8
"""Pixels of a side per cell of a latent."""


def pipeline(folder: Path, seed: int = 0) -> Path:
    """The folder of one; another seed gives other weights."""
    import diffusers

    made = stable_diffusion.tiny(4, 2, seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        text = untrained.text_encoder(WIDTH)
        for weight in text.parameters():
            weight.data.add_(seed * 0.01)
    saved: Any = diffusers.StableDiffusionPipeline(
        made.vae,
        text,
        untrained.tokenizer(),
        made.unet,
        diffusers.DDIMScheduler(steps_offset=1, clip_sample=False),
        None,
        None,
        requires_safety_checker=False,
    )
    saved.save_pretrained(folder)
    return folder

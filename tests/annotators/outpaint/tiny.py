"""A Stable Diffusion inpainting pipeline with random weights, as diffusers saves it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.annotators import stable_diffusion

WORDS = [
    "<|startoftext|>",
    "<|endoftext|>",
    *(f"{letter}{end}" for letter in "abdefoltuy" for end in ("", "</w>")),
]


def tiny(folder: Path, seed: int = 0, channels: int = 9) -> Path:
    """A folder with the pipeline; its networks look at multiples of 16 pixels.

    Args:
        channels: that the UNet takes: 9 for inpainting.
    """
    made = stable_diffusion.tiny(channels, len(WORDS), seed)
    import diffusers
    import transformers

    folder.mkdir(parents=True)
    (folder / "vocab.json").write_text(json.dumps({word: index for index, word in enumerate(WORDS)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    tokenizer = transformers.CLIPTokenizer(str(folder / "vocab.json"), str(folder / "merges.txt"), model_max_length=8)
    schedule = diffusers.PNDMScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", skip_prk_steps=True, steps_offset=1
    )
    pipeline: Any = diffusers.StableDiffusionInpaintPipeline(
        made.vae, made.text, tokenizer, made.unet, schedule, None, None, requires_safety_checker=False
    )
    pipeline.save_pretrained(folder / "model")
    return folder / "model"

"""A Stable Diffusion inpainting pipeline with random weights, as diffusers saves it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch


def tiny(folder: Path, seed: int = 0, channels: int = 9) -> Path:
    """A folder with the pipeline; its networks look at multiples of 16 pixels.

    Args:
        channels: that the UNet takes: 9 for inpainting.
    """
    from humanverse.torchvision_operators import prepare_torchvision

    prepare_torchvision()
    import diffusers
    import transformers

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        unet = diffusers.UNet2DConditionModel(
            sample_size=64,
            in_channels=channels,
            out_channels=4,
            block_out_channels=(8, 16),
            layers_per_block=1,
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
            cross_attention_dim=16,
            attention_head_dim=4,
            norm_num_groups=4,
        )
        vae = diffusers.AutoencoderKL(
            block_out_channels=(8, 8, 8, 8),
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
            latent_channels=4,
            norm_num_groups=4,
        )
        text = transformers.CLIPTextModel(
            transformers.CLIPTextConfig(
                hidden_size=16,
                intermediate_size=16,
                num_attention_heads=2,
                num_hidden_layers=1,
                vocab_size=30,
                max_position_embeddings=8,
                bos_token_id=0,
                eos_token_id=1,
                pad_token_id=1,
            )
        )
    folder.mkdir(parents=True)
    letters = [f"{letter}{end}" for letter in "abdefoltuy" for end in ("", "</w>")]
    words = ["<|startoftext|>", "<|endoftext|>", *letters]
    (folder / "vocab.json").write_text(json.dumps({word: index for index, word in enumerate(words)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    tokenizer = transformers.CLIPTokenizer(str(folder / "vocab.json"), str(folder / "merges.txt"), model_max_length=8)
    schedule = diffusers.PNDMScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", skip_prk_steps=True, steps_offset=1
    )
    pipeline: Any = diffusers.StableDiffusionInpaintPipeline(
        vae, text, tokenizer, unet, schedule, None, None, requires_safety_checker=False
    )
    pipeline.save_pretrained(folder / "model")
    return folder / "model"

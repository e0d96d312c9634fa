"""Latents by the VAE of SDXL."""

from __future__ import annotations

from pydantic import Field

from annotators.base import Card
from annotators.latent.picture_latent import LatentSettings, PictureLatent
from annotators.weights import Contents, Weight


class SdxlSettings(LatentSettings):
    """As ``LatentSettings``, with SDXL's size."""

    buckets: tuple[tuple[int, int], ...] = Field(default=((1024, 1024),), validate_default=True)


class Sdxl(PictureLatent):
    """Of the picture; stage 2 has its maps as pixels."""

    card = Card(
        kind="latent",
        name="sdxl",
        version=1,
        summary="latent of the picture by SDXL's VAE, for the trainer",
        model="stabilityai/stable-diffusion-xl-base-1.0's VAE (Podell et al. 2023)",
        licence="CreativeML Open RAIL++-M (weights): use-based restrictions",
        source="https://huggingface.co/stabilityai/stable-diffusion-xl-base-1.0",
        protocol="the middle of the picture at the bucket's size, by the trainer's own code, values in [-1, 1]; float32",
        output="the mean of the VAE's posterior, not scaled: 4 channels, an eighth of the bucket's sides; float16",
        weights=(
            Weight(
                "hf:stabilityai/stable-diffusion-xl-base-1.0@main",
                "",
                35_000_000_000,
                contents=Contents(processor=False),
            ),
        ),
        packages={"torch": "torch", "diffusers": "torch"},
        speed="gpu",
    )
    Settings = SdxlSettings
    gpu_batch = 4

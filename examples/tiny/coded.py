"""Rendered pictures and maps through the VAE and back: the best that a stage can make of its latents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from pictured import Pictured

from humanverse.generation.coding import depth_map, depth_of, normal_map, normal_of, pixels_of
from humanverse.training.parts import vae_of
from humanverse.training.settings import ModelSettings


@torch.no_grad()
def coded(rendered: Sequence[Pictured], vae: str) -> list[Pictured]:
    """Each of ``rendered`` as ``vae``, named as in ``model.vae``, gives it back: picture, depth and normals by themselves."""
    network = vae_of(ModelSettings(vae=vae))

    def back(picture: np.ndarray) -> np.ndarray:
        """float32 (side, side, 3) in [0, 1], of the same."""
        pixels = torch.from_numpy(picture).permute(2, 0, 1)[None] * 2 - 1
        decoded = network.decode(network.encode(pixels).latent_dist.mode()).sample[0]
        return (decoded.permute(1, 2, 0).numpy() / 2 + 0.5).clip(0, 1)

    found = []
    for one in rendered:
        size = (one.rgb.shape[1], one.rgb.shape[0])
        rgb = pixels_of(back(one.rgb.astype(np.float32) / 255))
        depth, normal = depth_of(back(depth_map(one.depth, size))), normal_of(back(normal_map(one.normal, size)))
        found.append(replace(one, name=f"{one.name}-coded", rgb=rgb, depth=depth, normal=normal))
    return found

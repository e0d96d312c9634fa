"""The size a training picture had and where it was cropped, as a vector added to the time embedding (SDXL, section 2.2)."""

from __future__ import annotations

import torch
from diffusers.models.embeddings import TimestepEmbedding, Timesteps
from torch import nn

from humanverse.errors import UserError
from humanverse.loading.crop import SIZES


class SizeEmbedding(nn.Module):
    """Four whole numbers, each as sines and cosines, through two linear layers.

    The second layer starts at zero: a model that is given this embedding starts as the same function as without it.

    Args:
        dim: of the sines and cosines of each number.
        time_dim: of the time embedding.
    """

    def __init__(self, dim: int, time_dim: int) -> None:
        super().__init__()
        self.waves = Timesteps(dim, flip_sin_to_cos=True, downscale_freq_shift=0)
        self.project = TimestepEmbedding(len(SIZES) * dim, time_dim)
        nn.init.zeros_(self.project.linear_2.weight)
        nn.init.zeros_(self.project.linear_2.bias)

    def forward(self, sizes: torch.Tensor) -> torch.Tensor:
        """The embedding, (batch, time_dim), of ``sizes``, (batch, 4) in the order of ``loading.crop.SIZES``.

        Raises:
            UserError: for another shape.
        """
        if sizes.ndim != 2 or sizes.shape[1] != len(SIZES):
            raise UserError(
                f"Sizes have shape {tuple(sizes.shape)}: give (batch, {len(SIZES)}), that is {', '.join(SIZES)}."
            )
        waves = self.waves(sizes.flatten()).reshape(len(sizes), -1)
        return self.project(waves.to(self.project.linear_1.weight.dtype))

"""A fixed transform in place of a VAE, for training where no trained VAE can be had: pixels of a patch become channels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch.nn.functional import pixel_shuffle, pixel_unshuffle

from humanverse.errors import UserError


@dataclass(frozen=True)
class Exact:
    """The latents of pictures, as ``AutoencoderKL`` would give a distribution of them."""

    mean: torch.Tensor

    def mode(self) -> torch.Tensor:
        return self.mean

    def sample(self, generator: torch.Generator | None = None) -> torch.Tensor:
        return self.mean


@dataclass(frozen=True)
class Encoded:
    latent_dist: Exact


@dataclass(frozen=True)
class Decoded:
    sample: torch.Tensor


class PatchVae(ModelMixin, ConfigMixin):
    """Pictures (batch, 3, height, width) to latents (batch, 3 side², height / side, width / side) and back, without any loss.

    Nothing in it is learnt, and it compresses nothing: a stand-in for ``AutoencoderKL`` with the same doors.

    Args:
        block_out_channels: channels after each halving, 3, 12, 48 and so on; its length says how often sides are halved.
        scaling_factor: by which latents are multiplied before a network sees them.
    """

    @register_to_config
    def __init__(self, block_out_channels: Sequence[int] = (3, 12, 48), scaling_factor: float = 2.0) -> None:
        super().__init__()
        if list(block_out_channels) != [3 * 4**place for place in range(len(block_out_channels))]:
            raise UserError(f"a patch transform has channels 3, 12, 48 and so on, not {list(block_out_channels)}")
        self.side = 2 ** (len(block_out_channels) - 1)
        self.register_buffer("unit", torch.ones(1))

    def encode(self, pictures: torch.Tensor) -> Encoded:
        """The latents of ``pictures``, not scaled."""
        return Encoded(Exact(pixel_unshuffle(pictures, self.side)))

    def decode(self, latents: torch.Tensor, return_dict: bool = True, **_: Any) -> Decoded | tuple[torch.Tensor]:
        """The pictures of ``latents``, which are not scaled."""
        pictures = pixel_shuffle(latents, self.side)
        return Decoded(pictures) if return_dict else (pictures,)


def patch_vae(side: int = 4) -> PatchVae:
    """For patches of ``side`` x ``side`` pixels.

    Raises:
        UserError: if it is not 2, 4 or 8.
    """
    if side not in (2, 4, 8):
        raise UserError(f"patches of {side} x {side} pixels: give 2, 4 or 8")
    return PatchVae([3 * 4**place for place in range(side.bit_length())])

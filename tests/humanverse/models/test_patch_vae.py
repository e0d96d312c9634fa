"""The fixed transform in place of a VAE."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from humanverse.errors import UserError
from humanverse.models.patch_vae import PatchVae, patch_vae
from tests.humanverse.models import tiny


@pytest.mark.parametrize("side", [2, 4, 8])
def test_what_is_encoded_comes_back_every_bit(side: int) -> None:
    vae, pictures = patch_vae(side), tiny.noise(2, 3, 16, 24)
    latents = vae.encode(pictures).latent_dist.mode()
    assert latents.shape == (2, 3 * side**2, 16 // side, 24 // side)
    assert torch.equal(vae.decode(latents).sample, pictures)
    assert torch.equal(vae.decode(latents, return_dict=False)[0], pictures)


def test_a_latent_is_a_patch() -> None:
    pictures = torch.zeros(1, 3, 8, 8)
    pictures[:, :, 4:, :4] = 1
    latents = patch_vae(4).encode(pictures).latent_dist.sample()
    assert latents[0, :, 1, 0].eq(1).all() and latents.sum() == 48


def test_it_is_saved_and_loaded(tmp_path: Path) -> None:
    patch_vae(2).save_pretrained(tmp_path)
    loaded = PatchVae.from_pretrained(tmp_path)
    assert (loaded.side, loaded.config.scaling_factor, loaded.dtype) == (2, 2.0, torch.float32)


def test_other_patches_are_refused() -> None:
    with pytest.raises(UserError, match="patches of 3 x 3 pixels: give 2, 4 or 8"):
        patch_vae(3)
    with pytest.raises(UserError, match="channels 3, 12, 48 and so on"):
        PatchVae([3, 6])

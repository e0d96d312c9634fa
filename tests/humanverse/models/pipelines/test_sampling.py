"""Guidance, pictures of any kind as tensors, and what is told when inputs do not go together."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from diffusers.image_processor import VaeImageProcessor
from PIL import Image

from humanverse.errors import UserError
from humanverse.models.pipelines.sampling import batch_of, check_size, decoded, guided, prepared, stepped
from humanverse.models.schedule import scheduler_for
from tests.humanverse.models import tiny

ZERO_TO_ONE = VaeImageProcessor(do_normalize=False)


def test_guidance_is_the_formula() -> None:
    without, conditional = tiny.noise(2, 4, 8, 8), tiny.noise(2, 4, 8, 8, seed=1)
    both = torch.cat([without, conditional])
    steered = guided(both, 7.5, 0)
    torch.testing.assert_close(steered, without + 7.5 * (conditional - without))
    torch.testing.assert_close(guided(both, 1, 0), conditional)
    full = guided(both, 7.5, 1)
    torch.testing.assert_close(full.std(dim=(1, 2, 3)), conditional.std(dim=(1, 2, 3)))
    torch.testing.assert_close(guided(both, 7.5, 0.7), 0.7 * full + 0.3 * steered)


@pytest.mark.parametrize("count", [1, 3, 7, 50, 60, 600, 1000])
def test_any_number_of_steps_ends_at_the_clean_latent(count: int) -> None:
    scheduler = scheduler_for()
    scheduler.set_timesteps(count)
    clean, current = tiny.noise(1, 4, 8, 8), tiny.noise(1, 4, 8, 8, seed=1)
    for step in scheduler.timesteps:
        share = scheduler.alphas_cumprod[step]
        velocity = (share.sqrt() * current - clean) / (1 - share).sqrt()
        current = stepped(scheduler, velocity, step, current)
    torch.testing.assert_close(current, clean, atol=1e-5, rtol=0)


def test_pictures_of_any_kind_are_the_same_tensor() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (16, 24, 3), dtype=np.uint8)
    fractions = pixels.astype(np.float32) / 255
    tensor = torch.from_numpy(fractions).permute(2, 0, 1)[None]
    for picture in (Image.fromarray(pixels), [Image.fromarray(pixels)], pixels, [pixels], fractions, tensor):
        given = prepared(ZERO_TO_ONE, "skeleton", picture, 16, 24, batch=2)
        assert given.shape == (2, 3, 16, 24)
        torch.testing.assert_close(given[1:], tensor, atol=1e-6, rtol=0)
    normalised = prepared(VaeImageProcessor(), "skeleton", pixels, 16, 24, batch=1)
    torch.testing.assert_close(normalised, 2 * tensor - 1, atol=1e-6, rtol=0)


def test_a_picture_is_resized() -> None:
    assert prepared(ZERO_TO_ONE, "depth", Image.new("RGB", (40, 40)), 16, 24, batch=1).shape == (1, 3, 16, 24)


def test_as_many_pictures_as_samples_or_one() -> None:
    with pytest.raises(UserError, match="2 pictures of depth for 3 samples"):
        prepared(ZERO_TO_ONE, "depth", torch.zeros(2, 3, 8, 8), 8, 8, batch=3)


def test_inputs_for_different_numbers_are_told() -> None:
    assert batch_of({"prompt": 1, "skeleton": 3, "depth": 3}) == 3
    assert batch_of({"prompt": 1}) == 1
    with pytest.raises(UserError, match="2 of prompt, 3 of skeleton"):
        batch_of({"prompt": 2, "skeleton": 3})


@pytest.mark.parametrize(("height", "width"), [(500, 512), (512, 500), (0, 8), (-8, 8)])
def test_a_size_that_is_no_whole_latent_is_told(height: int, width: int) -> None:
    check_size(512, 768, 8)
    with pytest.raises(UserError, match=f"{width} x {height}.*multiples of 8"):
        check_size(height, width, 8)


@torch.no_grad()
def test_latents_are_decoded_in_single_precision_where_half_overflows() -> None:
    vae = tiny.vae()
    expected = vae.decode(tiny.noise(1, 4, 2, 2) / vae.config.scaling_factor).sample
    torch.testing.assert_close(decoded(vae, tiny.noise(1, 4, 2, 2)), expected)
    vae.half()
    vae.register_to_config(force_upcast=True)
    torch.testing.assert_close(decoded(vae, tiny.noise(1, 4, 2, 2)), expected, atol=1e-2, rtol=1e-2)
    assert vae.dtype == torch.float16

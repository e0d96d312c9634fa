"""The exactness of both stages at the real sizes of their backbones, with random weights, on a small latent."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import torch
from diffusers import UNet2DConditionModel

from humanverse import model_presets as presets
from humanverse.models.refiner import StructureRefiner, refine
from humanverse.models.structural_unet import StructuralUNet
from tests.humanverse.models import tiny

pytestmark = pytest.mark.slow


@contextmanager
def _made_in(dtype: torch.dtype) -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


@torch.no_grad()
def test_fresh_branches_on_stable_diffusion_2_predict_what_it_does() -> None:
    """In single precision; needs 9 GB of memory."""
    unet = tiny.unet(dict(presets.SD2_BASE))
    latent, text, steps = tiny.noise(2, 4, 16, 16), tiny.noise(2, 77, 1024, seed=1), torch.tensor([1, 999])
    plain = unet(latent, steps, text).sample
    assert plain.std() > 0.1
    told = {"skeleton": tiny.noise(2, 4, 16, 16, seed=2)}
    sizes = torch.tensor([[480, 640, 0, 16], [512, 512, 0, 0]])
    for replication in ("half", "one", "two"):
        model = StructuralUNet.from_unet(unet, replication=replication)
        predicted = model(dict.fromkeys(model.branches, latent), steps, text, told, sizes).sample
        for name, output in predicted.items():
            assert (output - plain).abs().max() < 1e-5, (replication, name)
        del model


@torch.no_grad()
def test_an_untrained_refiner_on_sdxl_predicts_what_it_does() -> None:
    """In bfloat16, to need 8 GB instead of 16: nothing is added, so the results are equal bit by bit in any precision."""
    with _made_in(torch.bfloat16):
        unet = tiny.seeded(lambda: UNet2DConditionModel(**presets.SDXL_BASE)).eval()
        refiner = StructureRefiner.from_unet(unet)
    latent, text = tiny.noise(1, 4, 16, 16).bfloat16(), tiny.noise(1, 77, 2048, seed=1).bfloat16()
    added = {
        "text_embeds": tiny.noise(1, 1280, seed=2).bfloat16(),
        "time_ids": torch.tensor([[128, 128, 0, 0, 128, 128]]),
    }
    maps = {entry.name: tiny.noise(1, 3, 128, 128, seed=3).sigmoid() for entry in refiner.conditions}
    plain = unet(latent, 999, text, added_cond_kwargs=added).sample
    assert plain.float().std() > 0.1
    assert torch.equal(refine(unet, refiner, latent, 999, text, maps, added), plain)

"""Stage 1 from a prompt and a skeleton to pictures, saved and loaded as a folder."""

from __future__ import annotations

import copy
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import DPMSolverMultistepScheduler

from humanverse.drawing.skeleton import draw_skeleton
from humanverse.errors import UserError
from humanverse.models.latents import Statistics
from humanverse.models.patch_vae import patch_vae
from humanverse.models.pipelines.structural import StructuralPipeline
from humanverse.models.schedule import scheduler_for
from humanverse.models.structural_unet import StructuralUNet
from tests.humanverse.models import tiny

NAMES = ["rgb", "depth", "normal"]


def _skeleton(shift: int = 0) -> np.ndarray:
    return draw_skeleton([[(10 + shift + 3 * k % 40, 5 + 7 * k % 50, 1.0) for k in range(133)]], 64, 64)


@cache
def _pipeline() -> StructuralPipeline:
    unet = tiny.seeded(lambda: StructuralUNet.from_unet(tiny.unet()))
    tiny.shaken(unet)
    spread = {name: Statistics([0.1 * place] * 4, [1.0 + place] * 4) for place, name in enumerate(NAMES)}
    unet.set_latent_statistics(spread)
    pipeline = StructuralPipeline(tiny.vae(), tiny.text_encoder(12), tiny.tokenizer(), unet, scheduler_for())
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def _generate(pipeline: StructuralPipeline | None = None, **changed: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "prompt": "a b c",
        "conditions": {"skeleton": _skeleton()},
        "height": 64,
        "width": 64,
        "num_inference_steps": 2,
        "generator": torch.Generator().manual_seed(0),
        "output_type": "latent",
    }
    return (pipeline or _pipeline())(**{**given, **changed}).pictures


def test_every_target_is_a_picture_of_the_asked_size() -> None:
    pictures = _generate(prompt=["a", "b"], height=64, width=128, output_type="pil")
    assert list(pictures) == NAMES
    assert all(len(pictures[name]) == 2 and pictures[name][0].size == (128, 64) for name in NAMES)
    tensors = _generate(output_type="pt")
    assert tensors["depth"].shape == (1, 3, 64, 64) and 0 <= tensors["depth"].min() <= tensors["depth"].max() <= 1


@torch.no_grad()
def _by_hand(
    pipeline: StructuralPipeline, noise: dict[str, torch.Tensor], text: torch.Tensor, steps: int, sizes: tuple[int, ...]
) -> dict[str, torch.Tensor]:
    """Latents as the network sees them, without guidance: a sampler for each target, from its own noise."""
    told = {"skeleton": pipeline.encode_picture("skeleton", _skeleton(), 64, 64, 1)}
    samplers = {name: copy.deepcopy(pipeline.scheduler) for name in NAMES}
    for sampler in samplers.values():
        sampler.set_timesteps(steps)
    current = {name: latent * samplers[name].init_noise_sigma for name, latent in noise.items()}
    for step in samplers["rgb"].timesteps:
        velocity = pipeline.unet(current, step, text, told, torch.tensor([sizes])).sample
        current = {name: samplers[name].step(velocity[name], step, current[name]).prev_sample for name in NAMES}
    return current


def test_it_is_the_loop_written_out() -> None:
    pipeline = _pipeline()
    noise = {name: tiny.noise(1, 4, 8, 8, seed=place) for place, name in enumerate(NAMES)}
    got = _generate(latents=noise, guidance_scale=1, sizes=(480, 640, 0, 16))
    assert pipeline.scheduler.timesteps.tolist() == [999, 499]
    text = pipeline.encode_prompt(["a b c"])
    seen = _by_hand(pipeline, noise, text, steps=2, sizes=(480, 640, 0, 16))
    for place, name in enumerate(NAMES):
        torch.testing.assert_close(got[name], seen[name] * (1.0 + place) + 0.1 * place, atol=1e-5, rtol=1e-5)


def test_the_seed_decides_and_targets_have_noise_of_their_own() -> None:
    first, again = _generate(), _generate()
    other = _generate(generator=torch.Generator().manual_seed(1))
    assert all(torch.equal(first[name], again[name]) and not torch.equal(first[name], other[name]) for name in NAMES)


def test_a_sample_does_not_depend_on_its_batch() -> None:
    seeds = [torch.Generator().manual_seed(seed) for seed in (0, 1)]
    both = _generate(prompt=["a", "b c"], generator=seeds)
    noise = {
        name: torch.randn(3, 4, 8, 8, generator=torch.Generator().manual_seed(1))[place][None]
        for place, name in enumerate(NAMES)
    }
    alone = _generate(prompt="b c", latents=noise)
    assert all((both[name][1:] - alone[name]).abs().max() < 1e-4 for name in NAMES)


def test_prompt_skeleton_guidance_and_sizes_count() -> None:
    before = _generate()
    for changed in (
        {"prompt": "f g"},
        {"conditions": {"skeleton": _skeleton(20)}},
        {"guidance_scale": 2.0},
        {"guidance_rescale": 0.0},
        {"guide_conditions": False},
        {"negative_prompt": "h"},
        {"sizes": (900, 900, 100, 100)},
    ):
        after = _generate(**changed)
        assert all((after[name] - before[name]).abs().max() > 1e-6 for name in NAMES), changed


def test_embeddings_and_latents_stand_for_prompts_and_pictures() -> None:
    pipeline = _pipeline()
    embeds = {"prompt": None, "prompt_embeds": pipeline.encode_prompt(["a b c"])}
    empty = {"negative_prompt_embeds": pipeline.encode_prompt([""])}
    latent = pipeline.encode_picture("skeleton", _skeleton(), 64, 64, 1)
    told = {"conditions": None, "condition_latents": {"skeleton": latent}}
    given, plain = _generate(**embeds, **empty, **told), _generate()
    assert all(torch.equal(given[name], plain[name]) for name in NAMES)
    without = StructuralPipeline(pipeline.vae, None, None, pipeline.unet, pipeline.scheduler)
    without.set_progress_bar_config(disable=True)
    assert torch.equal(_generate(without, **embeds, **empty)["rgb"], plain["rgb"])
    with pytest.raises(UserError, match="no text encoder"):
        _generate(without)


def test_a_text_encoder_that_wants_a_mask_is_given_one() -> None:
    pipeline = _pipeline()
    masking = tiny.text_encoder(12)
    masking.config.use_attention_mask = True
    other = StructuralPipeline(pipeline.vae, masking, tiny.tokenizer(), pipeline.unet, pipeline.scheduler)
    tokens = other.tokenizer(["a b"], padding="max_length", max_length=8, return_tensors="pt")
    with torch.no_grad():
        expected = masking(tokens.input_ids, attention_mask=tokens.attention_mask)[0]
        assert torch.equal(other.encode_prompt(["a b"]), expected)
        assert not torch.equal(pipeline.encode_prompt(["a b"]), expected)


def test_it_is_saved_and_loaded_as_a_folder(tmp_path: Path) -> None:
    _pipeline().save_pretrained(tmp_path)
    loaded = StructuralPipeline.from_pretrained(tmp_path)
    loaded.set_progress_bar_config(disable=True)
    before, after = _generate(), _generate(loaded)
    assert all(torch.equal(before[name], after[name]) for name in NAMES)
    assert loaded.scheduler.alphas_cumprod[-1] == 0
    assert loaded.unet.config.latent_statistics == _pipeline().unet.config.latent_statistics


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"prompt": None}, "no prompt"),
        ({"prompt": []}, "no prompt"),
        ({"conditions": None}, "'skeleton' is missing"),
        ({"height": 60}, "multiples of 8"),
        ({"prompt": ["a", "b"], "conditions": {"skeleton": [_skeleton()] * 3}}, "3 pictures of skeleton for 2"),
        ({"latents": {"rgb": torch.zeros(1, 4, 2, 2)}}, r"noise of 'rgb' has shape \(1, 4, 2, 2\)"),
    ],
)
def test_what_does_not_fit_is_told(changed: dict[str, Any], told: str) -> None:
    with pytest.raises(UserError, match=told):
        _generate(**changed)


def test_a_sampler_with_a_memory_may_take_ddims_place() -> None:
    """It remembers earlier steps of its own target alone."""
    pipeline = _pipeline()
    multistep = DPMSolverMultistepScheduler.from_config(pipeline.scheduler.config)
    other = StructuralPipeline(pipeline.vae, None, None, pipeline.unet, multistep)
    other.set_progress_bar_config(disable=True)
    text = tiny.noise(1, 8, 12)
    noise = {name: tiny.noise(1, 4, 8, 8, seed=place) for place, name in enumerate(NAMES)}
    given = {"prompt": None, "prompt_embeds": text, "guidance_scale": 1, "num_inference_steps": 3}
    got = _generate(other, latents=noise, **given)
    seen = _by_hand(other, noise, text, steps=3, sizes=(64, 64, 0, 0))
    for name in NAMES:
        assert got[name].isfinite().all()
        torch.testing.assert_close(other.unet.normalise(name, got[name]), seen[name], atol=1e-4, rtol=1e-4)


_FRESH = """
import sys
from humanverse.models import StructuralPipeline
pipeline = StructuralPipeline.from_pretrained(sys.argv[1])
print(type(pipeline.vae).__name__)
"""


def test_a_pipeline_with_patches_is_loaded_in_a_fresh_process(tmp_path: Path) -> None:
    unet = StructuralUNet.from_unet(tiny.unet())
    StructuralPipeline(patch_vae(2), None, None, unet, scheduler_for()).save_pretrained(tmp_path)
    done = subprocess.run([sys.executable, "-c", _FRESH, str(tmp_path)], capture_output=True, text=True)
    assert done.stdout.endswith("PatchVae\n"), done.stderr

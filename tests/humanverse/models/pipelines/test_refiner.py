"""Stage 2 from a prompt and maps to a picture: untrained it is SDXL's own pipeline, and it is saved and loaded as a folder."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import StableDiffusionXLPipeline

from humanverse.errors import UserError
from humanverse.model_presets import Noise
from humanverse.models.pipelines.refiner import RefinerPipeline
from humanverse.models.refiner import StructureRefiner
from humanverse.models.schedule import scheduler_for
from tests.humanverse.models import tiny

MAPS = {name: tiny.noise(1, 3, 64, 64, seed=len(name)).sigmoid() for name in ("skeleton", "depth", "normal")}


@cache
def _parts() -> dict[str, Any]:
    return {
        "vae": tiny.vae(),
        "text_encoder": tiny.text_encoder(4),
        "text_encoder_2": tiny.text_encoder(8, projected=8),
        "tokenizer": tiny.tokenizer(),
        "tokenizer_2": tiny.tokenizer(),
        "unet": tiny.unet(tiny.SDXL),
        "scheduler": scheduler_for(Noise(prediction="epsilon", zero_terminal_snr=False)),
    }


@cache
def _pipeline(trained: bool = True) -> RefinerPipeline:
    unet = _parts()["unet"]
    refiner = tiny.seeded(lambda: StructureRefiner.from_unet(unet, embedder_channels=tiny.EMBEDDER))
    if trained:
        tiny.shaken(refiner)
    pipeline = RefinerPipeline(**_parts(), refiner=refiner)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def _settings(**changed: Any) -> dict[str, Any]:
    usual: dict[str, Any] = {
        "prompt": "a b c",
        "height": 64,
        "width": 64,
        "num_inference_steps": 2,
        "guidance_scale": 5.0,
        "output_type": "latent",
    }
    return {**usual, "generator": torch.Generator().manual_seed(0), **changed}


def _generate(pipeline: RefinerPipeline, **changed: Any) -> Any:
    return pipeline(**_settings(**{"maps": MAPS, **changed})).images


@pytest.mark.parametrize("scale", [1.0, 5.0])
def test_untrained_it_is_sdxls_own_pipeline(scale: float) -> None:
    plain = StableDiffusionXLPipeline(**_parts(), add_watermarker=False)
    plain.set_progress_bar_config(disable=True)
    expected = plain(**_settings(guidance_scale=scale, negative_prompt="")).images
    assert torch.equal(_generate(_pipeline(trained=False), guidance_scale=scale), expected)
    assert torch.equal(_generate(_pipeline(), guidance_scale=scale, refiner_scale=0.0), expected)


def test_every_input_counts() -> None:
    pipeline = _pipeline()
    before = _generate(pipeline)
    for changed in (
        {"prompt": "f g"},
        {"maps": {}},
        {"maps": {**MAPS, "depth": 1 - MAPS["depth"]}},
        {"guidance_scale": 2.0},
        {"guidance_rescale": 0.7},
        {"refiner_scale": 0.5},
        {"negative_prompt": "h"},
        {"original_size": (32, 32)},
        {"crop": (16, 0)},
        {"generator": torch.Generator().manual_seed(1)},
    ):
        assert (_generate(pipeline, **changed) - before).abs().max() > 1e-6, changed


def test_pictures_have_the_asked_size() -> None:
    images = _generate(_pipeline(), prompt=["a", "b"], width=128, maps=MAPS, output_type="pil")
    assert [image.size for image in images] == [(128, 64)] * 2


def test_embeddings_stand_for_prompts() -> None:
    pipeline = _pipeline()
    text, empty, pooled, empty_pooled = pipeline.encode_prompt("a b c", negative_prompt="")
    given = _generate(
        pipeline,
        prompt=None,
        prompt_embeds=text,
        negative_prompt_embeds=empty,
        pooled_prompt_embeds=pooled,
        negative_pooled_prompt_embeds=empty_pooled,
        negative_prompt=None,
    )
    assert torch.equal(given, _generate(pipeline))


def test_it_is_saved_and_loaded_as_a_folder(tmp_path: Path) -> None:
    pipeline = _pipeline()
    pipeline.save_pretrained(tmp_path)
    loaded = RefinerPipeline.from_pretrained(tmp_path)
    loaded.set_progress_bar_config(disable=True)
    assert torch.equal(_generate(loaded), _generate(pipeline))


def test_what_does_not_fit_is_told() -> None:
    pipeline = _pipeline()
    with pytest.raises(UserError, match="no condition parts"):
        _generate(pipeline, maps={"parts": MAPS["depth"]})
    with pytest.raises(UserError, match="multiples of 8"):
        _generate(pipeline, height=70)
    with pytest.raises(UserError, match="no prompt"):
        _generate(pipeline, prompt=None)

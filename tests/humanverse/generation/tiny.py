"""Both stages with random weights, as folders of pipelines; a skeleton; requests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from humanverse.generation import People, Request
from humanverse.model_presets import Noise
from humanverse.models import RefinerPipeline, StructuralPipeline, StructuralUNet, StructureRefiner
from humanverse.models.schedule import scheduler_for
from humanverse.training.stage import save_quietly
from tests.datasets import skeleton
from tests.humanverse.models import tiny


def structure(folder: Path, **changed: Any) -> Path:
    """Stage 1 for pictures of 64 pixels."""
    unet = tiny.unet(tiny.SD2)
    model = tiny.seeded(lambda: StructuralUNet.from_unet(unet, **changed))
    tiny.shaken(model)
    save_quietly(
        StructuralPipeline(tiny.vae(), tiny.text_encoder(12), tiny.tokenizer(), model, scheduler_for()), folder
    )
    return folder


def refiner(folder: Path, **changed: Any) -> Path:
    """Stage 2 for pictures of 64 pixels."""
    unet = tiny.unet(tiny.SDXL)
    model = tiny.seeded(lambda: StructureRefiner.from_unet(unet, embedder_channels=tiny.EMBEDDER, **changed))
    tiny.shaken(model)
    encoders = (tiny.text_encoder(4), tiny.text_encoder(8, projected=8), tiny.tokenizer(), tiny.tokenizer())
    noise = scheduler_for(Noise(prediction="epsilon", zero_terminal_snr=False))
    pipeline = RefinerPipeline(tiny.vae(), *encoders, unet, model, noise, force_zeros_for_empty_prompt=False)
    save_quietly(pipeline, folder)
    return folder


def people(caption: str = "", width: int = 48, height: int = 48) -> People:
    return People.of([skeleton((4, 4, width - 4, height - 4))], (width, height), caption)


def request(seed: int = 0, prompt: str = "a b c", **changed: Any) -> Request:
    return Request(**{"prompt": prompt, "skeleton": people(), "seed": seed, "steps": 2, **changed})


def same(one: Any, other: Any) -> bool:
    """Whether all that was generated is equal, every bit."""
    names = ("skeleton", "rgb", "depth", "normal", "refined")
    pairs = [(getattr(one, name), getattr(other, name)) for name in names]
    return all(
        first is second is None or np.array_equal(first, second, equal_nan=first.dtype != np.uint8)
        for first, second in pairs
    )


def clouds(height: int, width: int) -> np.ndarray:
    """uint8 (height, width, 3): detail at every scale, as photographs have it."""
    random = np.random.default_rng(0)
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None])
    frequency[0, 0] = 1
    spectrum = np.fft.fft2(random.normal(size=(3, height, width))) / frequency**1.5
    levels = np.fft.ifft2(spectrum).real
    levels *= 45 / levels.std(axis=(1, 2), keepdims=True)
    return np.clip(128 + levels.transpose(1, 2, 0), 0, 255).astype(np.uint8)

"""Surface normals by Marigold, a diffusion model."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import Field

from annotators.base import Card, Row
from annotators.maps import resized, unit, working_size
from annotators.torch.dense import DenseAnnotator, DenseSettings, View
from annotators.torch.diffusion import networks, pipeline
from annotators.weights import Contents, Weight, obtain


class MarigoldSettings(DenseSettings):
    """Attributes:
    longest_side: of what the model is shown, in pixels; it was made for 768.
    steps: of diffusion.
    seed: of the noise that diffusion begins with, the same for all pictures of a size, so that none depends on its neighbours.
    """

    longest_side: int = Field(default=768, ge=64)
    steps: int = Field(default=4, ge=1)
    seed: int = 0


class Marigold(DenseAnnotator):
    """Surface normals of the whole picture.

    Its frame is that of the layer: x right, y up, z towards the camera (the guide to Marigold in diffusers' documentation).
    """

    card = Card(
        kind="normal",
        name="marigold",
        version=1,
        summary="surface normals by Marigold, a diffusion model of four steps; large, for a GPU",
        model="prs-eth/marigold-normals-v1-1 (Ke et al. 2025, on Stable Diffusion 2)",
        licence="OpenRAIL++-M (weights): use-based restrictions",
        source="https://huggingface.co/prs-eth/marigold-normals-v1-1",
        protocol=(
            "whole picture, longer side to 768 (bilinear), both sides rounded to multiples of 8; four steps from a fixed "
            "noise; no flip"
        ),
        output="unit vectors in camera space, x right, y up, z towards the camera",
        weights=(
            Weight("hf:prs-eth/marigold-normals-v1-1@main", "", 7_800_000_000, contents=Contents(processor=False)),
        ),
        packages={"torch": "torch", "diffusers": "torch", "transformers": "torch"},
        speed="gpu",
        preset="modern",
    )
    Settings = MarigoldSettings
    settings: MarigoldSettings

    halves = True
    gpu_batch = 4

    def build(self) -> Any:
        self._pipeline = pipeline("MarigoldNormalsPipeline", obtain(self.weights[0]), "Marigold")
        self._multiple = int(self._pipeline.vae_scale_factor)
        return networks(self._pipeline)

    def view(self, rgb: np.ndarray) -> View:
        import torch

        height, width = rgb.shape[:2]
        shorter = self.settings.longest_side * min(width, height) / max(width, height)
        shown = resized(
            rgb, working_size((width, height), max(1, round(shorter)), self._multiple, stretch=float("inf"))
        )
        image = torch.from_numpy(shown.copy()).permute(2, 0, 1).float() / 255
        return View(image, (0.0, 0.0, float(width), float(height)))

    def forward(self, batch: Any) -> Any:
        said = self._pipeline(
            batch,
            num_inference_steps=self.settings.steps,
            processing_resolution=0,
            match_input_resolution=False,
            batch_size=len(batch),
            latents=self._noise(batch),
            output_type="pt",
        )
        return said.prediction.permute(0, 2, 3, 1)

    def _noise(self, batch: Any) -> Any:
        """Where diffusion begins, (n, channels, rows, columns): drawn on the CPU, so that all devices begin alike."""
        import torch

        channels = self._pipeline.vae.config.latent_channels
        size = (1, channels, batch.shape[2] // self._multiple, batch.shape[3] // self._multiple)
        noise = torch.randn(size, generator=torch.Generator().manual_seed(self.settings.seed))
        return noise.expand(len(batch), -1, -1, -1).to(device=batch.device, dtype=batch.dtype)

    def row(self, values: np.ndarray) -> Row:
        return {"map": unit(values)}

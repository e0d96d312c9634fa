"""Margins painted by a Stable Diffusion model for inpainting: the paper's."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from pydantic import Field

from annotators.base import Card, Picture
from annotators.cache import WeightError
from annotators.outpaint.base import KIND, MarginSettings, Outpainter
from annotators.outpaint.canvas import Canvas
from annotators.outpaint.painting import Sketch, working_size
from annotators.outpaint.shelf import Shelf, name_of
from annotators.torch.base import OnTorch, TorchSettings
from annotators.torch.diffusion import networks, pipeline
from annotators.weights import Contents, Weight, obtain

_CHANNELS = 9
"""Of the UNet: the latent, the mask, and the latent of what is known."""


class InpaintingSettings(MarginSettings, TorchSettings):
    """Attributes:
    steps: of diffusion, by a solver made for few of them.
    guidance: how strongly the prompt is followed; 1 and less is without, in half the time.
    prompt, negative_prompt: what the margins are to show, and not.
    side: the model is shown as many pixels as a square of this side has.
    seed: with the sample's uid, of the noise that diffusion begins with.
    """

    steps: int = Field(default=8, ge=1, le=100)
    guidance: float = Field(default=5.0, ge=0)
    prompt: str = "full body photo"
    negative_prompt: str = "frame, border, text, watermark"
    side: int = Field(default=512, ge=64)
    seed: int = 0


class Sd2Inpainting(OnTorch, Outpainter):
    """Margins by any model that diffusers' ``StableDiffusionInpaintPipeline`` loads."""

    card = Card(
        kind=KIND,
        name="sd2-inpainting",
        version=1,
        summary="margins painted by Stable Diffusion 2 inpainting (the paper's), in few steps; large, for a GPU",
        model="stabilityai/stable-diffusion-2-inpainting (Rombach et al. 2022), in a copy that the community keeps",
        licence="CreativeML Open RAIL++-M (weights): use-based restrictions",
        source="https://huggingface.co/sd2-community/stable-diffusion-2-inpainting; its owners withdrew the original",
        protocol=(
            "the canvas with the picture's border repeated into the margins, at 512 x 512 pixels' area, sides rounded to "
            "multiples of 64; 8 steps of DPM-Solver++ (2M), guidance 5, noise from seed and uid"
        ),
        output="margins, enlarged to the canvas; the picture's own pixels are laid on it bit for bit",
        weights=(
            Weight(
                "hf:sd2-community/stable-diffusion-2-inpainting@main",
                "",
                13_000_000_000,
                contents=Contents(processor=False),
            ),
        ),
        packages={"torch": "torch", "diffusers": "torch", "transformers": "torch"},
        speed="gpu",
        preset="paper",
    )
    Settings = InpaintingSettings
    settings: InpaintingSettings

    halves = True
    gpu_batch = 8

    def build(self) -> Any:
        self._pipeline = self.assembled()
        self._multiple = int(self._pipeline.vae_scale_factor) * 2 ** (
            len(self._pipeline.unet.config.block_out_channels) - 1
        )
        return networks(self._pipeline)

    def assembled(self) -> Any:
        """The pipeline with its solver, on the CPU."""
        folder = obtain(self.weights[0])
        alone = {"safety_checker": None, "feature_extractor": None, "requires_safety_checker": False}
        found = pipeline("StableDiffusionInpaintPipeline", folder, "inpainting", **alone)
        channels = found.unet.config.in_channels
        if channels != _CHANNELS:
            raise WeightError(
                f"{folder} holds no inpainting model: its UNet takes {channels} channels, not {_CHANNELS}"
            )
        return with_few_steps(found)

    def load(self) -> None:
        """As of all, once for whoever shares it; the prompt is encoded, and what was painted before is looked up."""
        if hasattr(self, "_shelf"):
            return
        super().load()
        self._words = self._encoded()
        self._shelf = Shelf(self.facts(), self.files)

    def _encoded(self) -> tuple[Any, Any]:
        """The prompt and the negative one for the model, (1, tokens, width) each; the latter None without guidance."""
        import torch

        wanted = self.settings
        with torch.inference_mode():
            words: tuple[Any, Any] = self._pipeline.encode_prompt(
                wanted.prompt, self.place, 1, wanted.guidance > 1, negative_prompt=wanted.negative_prompt
            )
        return words

    def grown(self, pictures: Sequence[Picture]) -> list[Canvas]:
        sketches = [self._sketch(picture) for picture in pictures]
        kept = [self._kept(*pair) for pair in zip(pictures, sketches, strict=True)]
        lacking = [index for index, painting in enumerate(kept) if painting is None]
        new = iter(self._paint([pictures[index] for index in lacking], [sketches[index] for index in lacking]))
        paintings = [next(new) if painting is None else painting for painting in kept]
        return [made.canvas(one.rgb, paint) for one, made, paint in zip(pictures, sketches, paintings, strict=True)]

    def _sketch(self, picture: Picture) -> Sketch:
        frame = self.settings.frame((picture.rgb.shape[1], picture.rgb.shape[0]))
        return Sketch(frame, working_size(frame.canvas, self.settings.side, self._multiple))

    def _kept(self, picture: Picture, sketch: Sketch) -> np.ndarray | None:
        """What is kept of an earlier painting; where there is no margin any will do."""
        if sketch.frame.same:
            return np.zeros((*sketch.size[::-1], 3), np.uint8)
        return self._shelf.get(name_of(picture), sketch.size)

    def _paint(self, pictures: Sequence[Picture], sketches: Sequence[Sketch]) -> list[np.ndarray]:
        """Paint, and keep, uint8 (height, width, 3) of each, at the model's size; empty where no margin is made from it."""
        uids = [picture.uid for picture in pictures]
        inputs = [_input(*pair) for pair in zip(pictures, sketches, strict=True)]
        found = self.through(inputs, lambda batch, positions: self._forward(batch, [uids[at] for at in positions]))
        emptied = [sketch.emptied(painting) for sketch, painting in zip(sketches, found, strict=True)]
        for picture, painting in zip(pictures, emptied, strict=True):
            self._shelf.put(name_of(picture), painting)
        return emptied

    def _forward(self, batch: Any, uids: Sequence[str]) -> list[np.ndarray]:
        """What the model paints.

        Args:
            batch: float (n, 4, height, width): RGB in [0, 1], and 1 where it is to be painted.
            uids: of the samples.
        """
        prompt, negative = (None if words is None else words.expand(len(uids), -1, -1) for words in self._words)
        found = self._pipeline(
            prompt_embeds=prompt,
            negative_prompt_embeds=negative,
            image=batch[:, :3],
            mask_image=batch[:, 3:],
            height=batch.shape[2],
            width=batch.shape[3],
            num_inference_steps=self.settings.steps,
            guidance_scale=self.settings.guidance,
            generator=[self._noise(uid) for uid in uids],
            output_type="np",
        ).images
        if not np.isfinite(found).all():
            raise ValueError(
                f"the painting has values that are not numbers, in {self.dtype}: use --set outpaint.dtype=float32"
            )
        return list(np.rint(255 * found).astype(np.uint8))

    def _noise(self, uid: str) -> Any:
        """A source of noise on the CPU, so that all devices begin alike, for this sample alone."""
        import torch

        digest = hashlib.sha256(f"{self.settings.seed}:{uid}".encode()).digest()
        return torch.Generator().manual_seed(int.from_bytes(digest[:8]) >> 1)


def with_few_steps(found: Any) -> Any:
    """A pipeline with DPM-Solver++ (2M) instead of its own solver, for the same noise schedule."""
    import diffusers

    settings = {"algorithm_type": "dpmsolver++", "solver_order": 2, "timestep_spacing": "trailing"}
    found.scheduler = diffusers.DPMSolverMultistepScheduler.from_config(found.scheduler.config, **settings)
    return found


def _input(picture: Picture, sketch: Sketch) -> Any:
    """float32 tensor (4, height, width), as ``_forward`` wants it."""
    import torch

    shown = np.dstack([sketch.shown(picture.rgb) / np.float32(255), sketch.unknown.astype(np.float32)])
    return torch.from_numpy(shown).permute(2, 0, 1)

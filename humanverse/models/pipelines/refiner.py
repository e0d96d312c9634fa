"""Stage 2 as a diffusers pipeline: a prompt and structural maps to a picture, by SDXL and the refiner."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from diffusers import StableDiffusionXLPipeline
from diffusers.image_processor import VaeImageProcessor
from diffusers.pipelines.stable_diffusion_xl.pipeline_output import StableDiffusionXLPipelineOutput

from humanverse.errors import UserError
from humanverse.models.pipelines.sampling import batch_of, check_size, decoded, guided, prepared, stepped
from humanverse.models.refiner import StructureRefiner, refine


class RefinerPipeline(StableDiffusionXLPipeline):
    """SDXL, with its text encoders, steered by a ``StructureRefiner``.

    Args:
        vae: SDXL's.
        text_encoder: SDXL's first; may be absent, as the next three, if prompts come as embeddings.
        text_encoder_2: SDXL's second.
        tokenizer: of the first.
        tokenizer_2: of the second.
        unet: SDXL's, as it was published.
        refiner: the trained copy of its encoder.
        scheduler: SDXL's.
        image_encoder: not used; diffusers' SDXL pipeline has it.
        feature_extractor: likewise.
        force_zeros_for_empty_prompt: whether ``negative_prompt=None`` is zeros and not the empty prompt, as in diffusers.
    """

    model_cpu_offload_seq = "text_encoder->text_encoder_2->refiner->unet->vae"

    def __init__(
        self,
        vae: Any,
        text_encoder: Any,
        text_encoder_2: Any,
        tokenizer: Any,
        tokenizer_2: Any,
        unet: Any,
        refiner: StructureRefiner,
        scheduler: Any,
        image_encoder: Any = None,
        feature_extractor: Any = None,
        force_zeros_for_empty_prompt: bool = True,
    ) -> None:
        super().__init__(
            vae,
            text_encoder,
            text_encoder_2,
            tokenizer,
            tokenizer_2,
            unet,
            scheduler,
            image_encoder,
            feature_extractor,
            force_zeros_for_empty_prompt,
            add_watermarker=False,
        )
        self.register_modules(refiner=refiner)
        self.map_processor = VaeImageProcessor(vae_scale_factor=self.vae_scale_factor, do_normalize=False)

    @torch.no_grad()
    def __call__(
        self,
        prompt: str | Sequence[str] | None = None,
        maps: Mapping[str, Any] | None = None,
        height: int = 1024,
        width: int = 1024,
        num_inference_steps: int = 50,
        guidance_scale: float = 7.5,
        guidance_rescale: float = 0.0,
        refiner_scale: float = 1.0,
        negative_prompt: str | None = "",
        prompt_embeds: torch.Tensor | None = None,
        negative_prompt_embeds: torch.Tensor | None = None,
        pooled_prompt_embeds: torch.Tensor | None = None,
        negative_pooled_prompt_embeds: torch.Tensor | None = None,
        original_size: tuple[int, int] | None = None,
        crop: tuple[int, int] = (0, 0),
        generator: torch.Generator | list[torch.Generator] | None = None,
        latents: torch.Tensor | None = None,
        output_type: str = "pil",
    ) -> StableDiffusionXLPipelineOutput:
        """Generate.

        Args:
            prompt: what to show; a list gives a batch.
            maps: per condition its picture or pictures (see ``sampling.prepared``); conditions that are not given are zeros, as
                when they were dropped in training.
            height: of the pictures in pixels.
            width: of the pictures in pixels.
            num_inference_steps: network passes.
            guidance_scale: how much the prompt counts; 1 for no guidance. The maps count in both passes.
            guidance_rescale: how far the guided prediction's spread is set back.
            refiner_scale: how much the maps count; 0 is SDXL alone.
            negative_prompt: of the pass without prompt; empty as when text was dropped in training.
            prompt_embeds: instead of ``prompt``, (batch, tokens, width), with ``pooled_prompt_embeds`` (batch, width).
            negative_prompt_embeds: instead of ``negative_prompt``, likewise.
            pooled_prompt_embeds: see ``prompt_embeds``.
            negative_pooled_prompt_embeds: see ``negative_prompt_embeds``.
            original_size: height and width that the picture is to look as if it had; the asked size by default.
            crop: top and left of the crop that the picture is to look like.
            generator: of the initial noise; a list has one for each sample.
            latents: the initial noise.
            output_type: ``pil``, ``np``, ``pt`` (both in [0, 1]), or ``latent``.

        Raises:
            UserError: if an input does not fit.
        """
        check_size(height, width, self.vae_scale_factor)
        if prompt is None and prompt_embeds is None:
            raise UserError("There is no prompt: give prompt, or prompt_embeds with pooled_prompt_embeds.")
        device, guidance = self._execution_device, guidance_scale != 1
        text, empty, pooled, empty_pooled = self.encode_prompt(
            prompt=prompt if prompt is None or isinstance(prompt, str) else list(prompt),
            device=device,
            do_classifier_free_guidance=guidance,
            negative_prompt=negative_prompt,
            prompt_embeds=prompt_embeds,
            negative_prompt_embeds=negative_prompt_embeds,
            pooled_prompt_embeds=pooled_prompt_embeds,
            negative_pooled_prompt_embeds=negative_pooled_prompt_embeds,
        )
        batch = batch_of({"prompt": len(text)})
        passes = 2 if guidance else 1
        text = torch.cat([empty, text] if guidance else [text]).to(device, self.unet.dtype)
        pooled = torch.cat([empty_pooled, pooled] if guidance else [pooled]).to(device, self.unet.dtype)
        numbers = (*(original_size or (height, width)), *crop, height, width)
        added = {"text_embeds": pooled, "time_ids": torch.tensor([numbers], device=device).expand(len(text), -1)}
        told = {
            name: prepared(self.map_processor, name, picture, height, width, batch).to(device).repeat(passes, 1, 1, 1)
            for name, picture in (maps or {}).items()
        }

        self.scheduler.set_timesteps(num_inference_steps, device=device)
        channels = self.unet.config.in_channels
        current = self.prepare_latents(batch, channels, height, width, torch.float32, device, generator, latents)
        for step in self.progress_bar(self.scheduler.timesteps):
            seen = self.scheduler.scale_model_input(torch.cat([current] * passes), step).to(text)
            output = refine(self.unet, self.refiner, seen, step, text, told, added, refiner_scale).float()
            if guidance:
                output = guided(output, guidance_scale, guidance_rescale)
            current = stepped(self.scheduler, output, step, current)

        pictures = current if output_type == "latent" else decoded(self.vae, current)
        if output_type != "latent":
            pictures = self.image_processor.postprocess(pictures, output_type=output_type)
        self.maybe_free_model_hooks()
        return StableDiffusionXLPipelineOutput(images=pictures)

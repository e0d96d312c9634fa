"""Stage 1 as a diffusers pipeline: a prompt and a drawn skeleton to aligned pictures of every target."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from diffusers import DDIMScheduler, DiffusionPipeline
from diffusers.image_processor import VaeImageProcessor
from diffusers.utils import BaseOutput
from diffusers.utils.torch_utils import randn_tensor

from humanverse.errors import UserError
from humanverse.models.pipelines.sampling import batch_of, check_size, decoded, guided, prepared, stepped
from humanverse.models.structural_unet import StructuralUNet
from humanverse.models.texts import states


@dataclass
class StructuralPipelineOutput(BaseOutput):
    """Per target its pictures: a list of PIL images, an array, or a tensor, as asked for."""

    pictures: dict[str, Any]


@dataclass(frozen=True)
class _Pass:
    """What the network is told in one pass: (batch or 1, ...) each."""

    text: torch.Tensor
    conditions: Mapping[str, torch.Tensor]


def _together(passes: Sequence[_Pass], batch: int, dtype: torch.dtype) -> _Pass:
    """The passes as one batch, in their order."""

    def stacked(tensors: Sequence[torch.Tensor]) -> torch.Tensor:
        return torch.cat([tensor.expand(batch, *tensor.shape[1:]) for tensor in tensors]).to(dtype)

    names = passes[0].conditions
    return _Pass(
        stacked([one.text for one in passes]),
        {name: stacked([one.conditions[name] for one in passes]) for name in names},
    )


class StructuralPipeline(DiffusionPipeline):
    """The Latent Structural Diffusion Model with its VAE, text encoder and sampler.

    Args:
        vae: an ``AutoencoderKL`` or its like, for all targets and conditions. Its configuration has ``scaling_factor`` and
            ``block_out_channels``, of which all but one halve the picture.
        text_encoder: whose last hidden states the network attends to; may be absent if prompts come as embeddings.
        tokenizer: of the text encoder.
        unet: the network.
        scheduler: usually ``humanverse.models.schedule.scheduler_for(...)``.
    """

    model_cpu_offload_seq = "text_encoder->unet->vae"
    _optional_components = ["text_encoder", "tokenizer"]

    def __init__(
        self, vae: Any, text_encoder: Any, tokenizer: Any, unet: StructuralUNet, scheduler: DDIMScheduler
    ) -> None:
        super().__init__()
        self.register_modules(vae=vae, text_encoder=text_encoder, tokenizer=tokenizer, unet=unet, scheduler=scheduler)
        self.vae_scale_factor = 2 ** (len(vae.config.block_out_channels) - 1)
        self.image_processor = VaeImageProcessor(vae_scale_factor=self.vae_scale_factor)

    def encode_prompt(self, prompts: Sequence[str]) -> torch.Tensor:
        """The text encoder's last hidden states, (prompts, tokens, width).

        Raises:
            UserError: without a text encoder.
        """
        if self.text_encoder is None or self.tokenizer is None:
            raise UserError("This pipeline has no text encoder: give prompt_embeds and negative_prompt_embeds.")
        return states(self.text_encoder, self.tokenizer, prompts, self._execution_device)

    def encode_picture(self, name: str, picture: Any, height: int, width: int, batch: int) -> torch.Tensor:
        """The latent of a condition's picture, (batch, channels, height, width): the middle of what the VAE gives, scaled."""
        pixels = prepared(self.image_processor, name, picture, height, width, batch)
        latent = self.vae.encode(pixels.to(self._execution_device, self.vae.dtype)).latent_dist.mode()
        return latent * self.vae.config.scaling_factor

    @torch.no_grad()
    def __call__(
        self,
        prompt: str | Sequence[str] | None = None,
        conditions: Mapping[str, Any] | None = None,
        height: int = 512,
        width: int = 512,
        num_inference_steps: int = 50,
        guidance_scale: float = 7.5,
        guidance_rescale: float = 0.7,
        guide_conditions: bool = True,
        negative_prompt: str = "",
        prompt_embeds: torch.Tensor | None = None,
        negative_prompt_embeds: torch.Tensor | None = None,
        condition_latents: Mapping[str, torch.Tensor] | None = None,
        sizes: tuple[int, int, int, int] | None = None,
        generator: torch.Generator | list[torch.Generator] | None = None,
        latents: Mapping[str, torch.Tensor] | None = None,
        output_type: str = "pil",
    ) -> StructuralPipelineOutput:
        """Generate.

        Args:
            prompt: what to show; a list gives a batch.
            conditions: per condition its picture or pictures (see ``sampling.prepared``), for example ``{"skeleton": drawing}``.
            height: of the pictures in pixels.
            width: of the pictures in pixels.
            num_inference_steps: network passes; those that divide 1000 are exact.
            guidance_scale: how much the prompt counts; 1 for no guidance.
            guidance_rescale: how far the guided prediction's spread is set back.
            guide_conditions: whether the pass without prompt is without conditions too: zeros, as where training drops both.
            negative_prompt: of the pass without prompt.
            prompt_embeds: instead of ``prompt``, (batch, tokens, width).
            negative_prompt_embeds: instead of ``negative_prompt``.
            condition_latents: instead of ``conditions``, (batch, channels, height, width) as the network takes them.
            sizes: original height and width, crop top and left; by default an uncropped picture of the asked size.
            generator: of the initial noise; a list has one for each sample.
            latents: per target its initial noise.
            output_type: ``pil``, ``np``, ``pt`` (both in [0, 1]), or ``latent`` (of the VAE, scaled).

        Raises:
            UserError: if an input is missing or does not fit.
        """
        check_size(height, width, self.vae_scale_factor)
        text = self._text(prompt, prompt_embeds)
        given = dict(condition_latents or {})
        batch = batch_of({"prompt": len(text), **{name: len(latent) for name, latent in given.items()}})
        for name, picture in (conditions or {}).items():
            given[name] = self.encode_picture(name, picture, height, width, batch)
        passes = [_Pass(text, given)]
        if guidance_scale != 1:
            kept = {} if guide_conditions else given
            without = {name: kept.get(name, torch.zeros_like(latent)) for name, latent in given.items()}
            passes.insert(0, _Pass(self._text(negative_prompt, negative_prompt_embeds), without))
        told = _together(passes, batch, self.unet.dtype)
        numbers = torch.tensor([sizes or (height, width, 0, 0)], device=self._execution_device)
        numbers = numbers.expand(len(told.text), -1)
        current = self._noise(latents or {}, batch, height, width, generator)

        schedulers = {name: copy.deepcopy(self.scheduler) for name in current}
        for scheduler in (self.scheduler, *schedulers.values()):
            scheduler.set_timesteps(num_inference_steps, device=self._execution_device)
        current = {name: latent * self.scheduler.init_noise_sigma for name, latent in current.items()}
        for step in self.progress_bar(self.scheduler.timesteps):
            seen = {name: schedulers[name].scale_model_input(latent, step) for name, latent in current.items()}
            entered = {name: torch.cat([latent] * len(passes)).to(told.text) for name, latent in seen.items()}
            predicted = self.unet(entered, step, told.text, told.conditions, numbers).sample
            for name, scheduler in schedulers.items():
                output = predicted[name].float()
                if len(passes) > 1:
                    output = guided(output, guidance_scale, guidance_rescale)
                current[name] = stepped(scheduler, output, step, current[name])

        pictures = {name: self._picture(name, latent, output_type) for name, latent in current.items()}
        self.maybe_free_model_hooks()
        return StructuralPipelineOutput(pictures=pictures)

    def _text(self, prompt: str | Sequence[str] | None, embeds: torch.Tensor | None) -> torch.Tensor:
        if embeds is not None:
            return embeds.to(self._execution_device, self.unet.dtype)
        if prompt is None or (len(prompt) == 0 and not isinstance(prompt, str)):
            raise UserError("There is no prompt: give prompt or prompt_embeds.")
        return self.encode_prompt([prompt] if isinstance(prompt, str) else prompt).to(self.unet.dtype)

    def _noise(
        self, given: Mapping[str, torch.Tensor], batch: int, height: int, width: int, generator: Any
    ) -> dict[str, torch.Tensor]:
        """Each target's own initial noise, in single precision, drawn in the targets' order."""
        side = (height // self.vae_scale_factor, width // self.vae_scale_factor)
        drawn = {}
        for target in self.unet.targets:
            shape = (batch, target.channels, *side)
            if target.name in given and given[target.name].shape != shape:
                raise UserError(
                    f"The noise of {target.name!r} has shape {tuple(given[target.name].shape)}: give {shape}."
                )
            drawn[target.name] = (
                given[target.name].to(self._execution_device, torch.float32)
                if target.name in given
                else randn_tensor(shape, generator=generator, device=self._execution_device, dtype=torch.float32)
            )
        return drawn

    def _picture(self, name: str, latent: torch.Tensor, output_type: str) -> Any:
        own = self.unet.denormalise(name, latent)
        if output_type == "latent":
            return own
        return self.image_processor.postprocess(decoded(self.vae, own), output_type=output_type)

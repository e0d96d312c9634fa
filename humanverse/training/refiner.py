"""Stage 2 as the loop sees it: SDXL, told by maps, with each of them and the text dropped on its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

import humanverse.models  # noqa: F401  (before diffusers: it readies torchvision)

# isort: split
from diffusers import UNet2DConditionModel
from torch import nn

from humanverse import model_presets as presets
from humanverse.errors import UserError, one_line
from humanverse.models import dropout
from humanverse.models.losses import denoising_loss
from humanverse.models.pipelines.refiner import RefinerPipeline
from humanverse.models.refiner import StructureRefiner, refine
from humanverse.models.schedule import learnt, noised, scheduler_for
from humanverse.training import named, parts
from humanverse.training.backbones import backbone
from humanverse.training.chance import noise_for, steps_for
from humanverse.training.encoding import Encoding, exactly
from humanverse.training.pictures import filled, layers_for
from humanverse.training.settings import TrainSettings
from humanverse.training.stage import Batch, Told, hush_long_prompts, save_quietly, to_device, validation
from humanverse.training.structure import channels_of, noise_of

SDXL_NOISE = presets.Noise(prediction="epsilon", zero_terminal_snr=False)
"""How SDXL was trained."""
_DTYPES = {"no": torch.float32, "bf16": torch.bfloat16}
"""Of the frozen UNet, by the run's precision."""
_TARGET = "rgb"
_TEXT = "text"


class Refining(nn.Module):
    """The refiner and the UNet that it steers, as one network."""

    def __init__(self, refiner: StructureRefiner, unet: UNet2DConditionModel) -> None:
        super().__init__()
        self.refiner, self.unet = refiner, unet

    def forward(
        self,
        sample: torch.Tensor,
        timestep: torch.Tensor,
        text: torch.Tensor,
        maps: Mapping[str, torch.Tensor],
        added: Mapping[str, torch.Tensor],
    ) -> torch.Tensor:
        """See ``models.refiner.refine``."""
        return refine(self.unet, self.refiner, sample, timestep, text, maps, added)


class RefinerStage:
    """The Structure-Guided Refiner with SDXL, its VAE and its text encoders.

    Args:
        settings: of the run.
        saved: folder of a checkpoint's parts; None to begin.
        device: where it is trained.

    Raises:
        UserError: if a part cannot be had or does not fit.
    """

    def __init__(self, settings: TrainSettings, saved: Path | None, device: torch.device) -> None:
        preset = named.preset(presets.REFINER, settings.model.preset)
        self._scheduler = scheduler_for(noise_of(SDXL_NOISE, settings.noise))
        self._vae = parts.frozen(parts.vae_of(settings.model), device)
        encoder, tokenizer = parts.text_of(settings.model)
        encoder_2, tokenizer_2 = parts.text_of(settings.model, second=True)
        unet, refiner = _networks(settings, preset.model, self._vae, (encoder, encoder_2), saved)
        self._seed, self._device = settings.seed, device
        rate = preset.dropout if settings.dropout is None else settings.dropout
        self._conditions = [condition.name for condition in refiner.conditions]
        self._rates = dict.fromkeys([_TEXT, *self._conditions], rate)
        self.layers = layers_for(self._conditions, settings.data.layers)
        self.encoding = Encoding([_TARGET], self._vae, None, device)

        refiner = nn.Module.to(refiner, device, torch.float32).train().requires_grad_(True)
        self.parts: Mapping[str, Any] = {"refiner": refiner}
        if settings.model.train_base:
            unet = nn.Module.to(unet, device, torch.float32).train().requires_grad_(True)
            self.parts = {"refiner": refiner, "unet": unet}
        else:
            unet = parts.frozen(unet, device, _DTYPES[settings.precision])
        if settings.gradient_checkpointing:
            for network in (refiner.encoder, unet):
                network.enable_gradient_checkpointing()
        self.model: nn.Module = Refining(refiner, unet)
        self.networks: Sequence[nn.Module] = [refiner, unet]
        self._pipeline = RefinerPipeline(
            self._vae,
            parts.frozen(encoder, device),
            parts.frozen(encoder_2, device),
            tokenizer,
            tokenizer_2,
            unet,
            refiner,
            self._scheduler,
            force_zeros_for_empty_prompt=False,
        )
        self._pipeline.set_progress_bar_config(disable=True)
        hush_long_prompts()

    def prepare(self, batches: Iterable[Batch]) -> None:
        """See ``stage.Stage``: nothing is measured."""

    def learn(self, model: nn.Module, batch: Batch, numbers: Sequence[int]) -> Told:
        """See ``stage.Stage``: the picture noised, told by the maps and the text that were not dropped, and denoised."""
        batch = to_device(batch, self._device)
        kept = dropout.kept(self._seed, numbers, self._rates)
        with torch.no_grad():
            clean = {_TARGET: self.encoding.latents(_TARGET, batch)}
            maps = {name: dropout.only_kept(self._map(name, batch), kept[name]) for name in self._conditions}
            prompts = [text if keep else "" for text, keep in zip(batch["captions"], kept[_TEXT].tolist(), strict=True)]
            with exactly(self._device):
                text, _, pooled, _ = self._pipeline.encode_prompt(
                    prompts, device=self._device, do_classifier_free_guidance=False
                )
        height, width = (side * self._pipeline.vae_scale_factor for side in clean[_TARGET].shape[-2:])
        shown = torch.tensor([height, width], device=self._device).expand(len(prompts), 2)
        added = {"text_embeds": pooled.float(), "time_ids": torch.cat([batch["sizes"], shown], dim=1)}
        steps = steps_for(self._seed, numbers, [_TARGET], False, self._device)
        noise = noise_for(self._seed, numbers, clean)
        told = clean[_TARGET], noise[_TARGET], steps[_TARGET]
        predicted = model(noised(self._scheduler, *told), steps[_TARGET], text.float(), maps, added)
        wanted = learnt(self._scheduler, *told)
        return Told(denoising_loss({_TARGET: predicted}, {_TARGET: wanted}), steps)

    def generate(self, batch: Batch, steps: int, guidance: float, seed: int) -> dict[str, torch.Tensor]:
        """See ``stage.Stage``: the maps, and the picture that is made of them and the caption."""
        batch = to_device(batch, self._device)
        maps = {name: self._map(name, batch) for name in self._conditions}
        with self.encoding.awake():
            made = self._pipeline(maps=maps, **validation(batch, steps, guidance, seed))
        return {name: pictures.float().cpu() for name, pictures in {**maps, _TARGET: made.images}.items()}

    @property
    def pipeline(self) -> Any:
        """See ``stage.Stage``: a ``RefinerPipeline``."""
        return self._pipeline

    def save(self, folder: Path, parts: Mapping[str, Any]) -> None:
        """See ``stage.Stage``: a ``RefinerPipeline``."""
        self._pipeline.register_modules(**parts)
        save_quietly(self._pipeline, folder)

    def _map(self, name: str, batch: Batch) -> torch.Tensor:
        """In [0, 1]."""
        return filled(name, batch) / 2 + 0.5


def _networks(
    settings: TrainSettings, preset: Mapping[str, Any], vae: Any, encoders: tuple[Any, Any], saved: Path | None
) -> tuple[Any, Any]:
    """The UNet that is steered, and the refiner."""
    model, channels = settings.model, channels_of(vae)
    if model.unet is not None and not model.train_base:
        raise UserError("a UNet from scratch has learnt nothing that could be refined: set model.train_base=true, too")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        if saved is not None and model.train_base:
            unet = parts.loaded(UNet2DConditionModel.from_pretrained, saved / "unet")
        else:
            unet = parts.unet_of(
                model, channels, sum(one.config.hidden_size for one in encoders), _sizes(model, encoders[1])
            )
        if saved is not None:
            return unet, parts.loaded(StructureRefiner.from_pretrained, saved / "refiner")
        if unet.config.addition_embed_type != "text_time":
            raise UserError("the refiner steers UNets with SDXL's inputs: name one such as sdxl-base or tiny-xl")
        halvings = len(vae.config.block_out_channels) - 1
        wanted = {"embedder_channels": _embedder(halvings), **preset, **model.changes}
        try:
            return unet, StructureRefiner.from_unet(unet, **wanted)
        except (TypeError, ValueError) as error:
            raise UserError(f"model: no refiner can be built: {one_line(error, 200)}") from error


def _embedder(halvings: int) -> Sequence[int]:
    """The paper's channels, fewer where the VAE shrinks pictures less."""
    from humanverse.models.map_embedder import CHANNELS

    return CHANNELS[: halvings + 1]


def _sizes(settings: Any, second: Any) -> dict[str, int]:
    """How wide the added conditions of a UNet from scratch are: six sizes and the second encoder's vector."""
    unet = backbone(settings.unet) if settings.unet is not None else {}
    wide = int(unet.get("addition_time_embed_dim") or 0)
    return {"projection_class_embeddings_input_dim": 6 * wide + int(second.config.projection_dim)} if wide else {}

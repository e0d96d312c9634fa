"""Stage 1 as the loop sees it: pictures to latents, latents to noise and back, and a pipeline in the end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from humanverse import model_presets as presets
from humanverse.errors import UserError, one_line
from humanverse.models import dropout
from humanverse.models.latents import Measure
from humanverse.models.losses import denoising_loss
from humanverse.models.pipelines.structural import StructuralPipeline
from humanverse.models.schedule import learnt, noised, scheduler_for
from humanverse.models.structural_unet import StructuralUNet
from humanverse.training import named, parts
from humanverse.training.chance import noise_for, steps_for
from humanverse.training.encoding import Encoding
from humanverse.training.pictures import filled, layers_for, valid_cells, valid_of
from humanverse.training.settings import NoiseSettings, TrainSettings
from humanverse.training.stage import Batch, Told, save_quietly, to_device, validation

DROPOUT = 0.15
"""Share of samples that go without prompt and conditions (HyperHuman, section 3.2)."""


class StructureStage:
    """The Latent Structural Diffusion Model with VAE and text encoder.

    Args:
        settings: of the run.
        saved: folder of a checkpoint's parts; None to begin.
        device: where it is trained.

    Raises:
        UserError: if a part cannot be had or does not fit.
    """

    def __init__(self, settings: TrainSettings, saved: Path | None, device: torch.device) -> None:
        preset = named.preset(presets.STRUCTURAL, settings.model.preset)
        noise = noise_of(preset.noise, settings.noise)
        vae = parts.frozen(parts.vae_of(settings.model), device)
        encoder, tokenizer = parts.text_of(settings.model)
        self._seed, self._own, self._device = settings.seed, noise.own_timesteps, device
        self._masked = settings.masked_loss
        self._dropout = DROPOUT if settings.dropout is None else settings.dropout
        self._scheduler = scheduler_for(noise)
        unet = _unet(settings, preset.model, vae, encoder, saved)
        self.unet = nn.Module.to(unet, device, torch.float32).train()
        if settings.gradient_checkpointing:
            self.unet.enable_gradient_checkpointing()
        self.model: nn.Module = self.unet
        self.networks: Sequence[nn.Module] = [self.unet]
        self.parts: Mapping[str, Any] = {"unet": self.unet}
        self._targets = [target.name for target in self.unet.targets]
        self._conditions = [condition.name for condition in self.unet.conditions]
        self.layers = layers_for([*self._targets, *self._conditions], settings.data.layers)
        encoder = parts.frozen(encoder, device)
        self.encoding = Encoding([*self._targets, *self._conditions], vae, (encoder, tokenizer), device)
        self._pipeline = StructuralPipeline(vae, encoder, tokenizer, self.unet, self._scheduler)
        self._pipeline.set_progress_bar_config(disable=True)

    def prepare(self, batches: Iterable[Batch]) -> None:
        """Measure the targets' latents, if the model has no statistics of them yet."""
        if self.unet.config.latent_statistics is not None:
            return
        measures = {target.name: Measure(target.channels) for target in self.unet.targets}
        for batch in batches:
            held = to_device(batch, self._device)
            for name, measure in measures.items():
                latents = self.encoding.latents(name, held)
                cells = self._cells(name, held, latents)
                measure.add(latents if cells is None else _only(latents, cells))
        self.unet.set_latent_statistics({name: measure.result(name) for name, measure in measures.items()})

    def learn(self, model: nn.Module, batch: Batch, numbers: Sequence[int]) -> Told:
        """See ``stage.Stage``: all targets noised, with prompt and conditions or without both, and denoised together."""
        batch = to_device(batch, self._device)
        kept = dropout.kept(self._seed, numbers, {"conditions": self._dropout})["conditions"]
        with torch.no_grad():
            clean = {name: self.unet.normalise(name, self.encoding.latents(name, batch)) for name in self._targets}
            told = {name: dropout.only_kept(self.encoding.latents(name, batch), kept) for name in self._conditions}
            text = self.encoding.captions(batch, kept)
        steps = steps_for(self._seed, numbers, self._targets, self._own, self._device)
        noise = noise_for(self._seed, numbers, clean)
        entered = {name: noised(self._scheduler, clean[name], noise[name], steps[name]) for name in self._targets}
        wanted = {name: learnt(self._scheduler, clean[name], noise[name], steps[name]) for name in self._targets}
        predicted = model(entered, steps if self._own else steps[self._targets[0]], text, told, batch["sizes"]).sample
        weights = {target.name: target.weight for target in self.unet.targets}
        cells = {name: self._cells(name, batch, latent) for name, latent in clean.items()}
        valid = {name: found for name, found in cells.items() if found is not None}
        return Told(denoising_loss(predicted, wanted, weights, valid), steps)

    def generate(self, batch: Batch, steps: int, guidance: float, seed: int) -> dict[str, torch.Tensor]:
        """See ``stage.Stage``: the conditions, and what the model makes of them and the captions, one of each target."""
        batch = to_device(batch, self._device)
        shown = {name: filled(name, batch) for name in self._conditions}
        with torch.no_grad(), self.encoding.awake():
            told = {name: self.encoding.latents(name, batch) for name in self._conditions}
            made = self._pipeline(condition_latents=told, **validation(batch, steps, guidance, seed))
        given = {name: pictures / 2 + 0.5 for name, pictures in shown.items()}
        return {name: pictures.float().cpu() for name, pictures in {**given, **made.pictures}.items()}

    @property
    def pipeline(self) -> Any:
        """See ``stage.Stage``: a ``StructuralPipeline``."""
        return self._pipeline

    def save(self, folder: Path, parts: Mapping[str, Any]) -> None:
        """See ``stage.Stage``: a ``StructuralPipeline``."""
        self._pipeline.register_modules(**parts)
        save_quietly(self._pipeline, folder)

    def _cells(self, name: str, batch: Batch, latents: torch.Tensor) -> torch.Tensor | None:
        """Which cells of a target's latents count; None for all."""
        valid = valid_of(name, batch) if self._masked else None
        return None if valid is None else valid_cells(valid, latents.shape[-2:])


def _only(latents: torch.Tensor, cells: torch.Tensor) -> torch.Tensor:
    """(1, channels, 1, cells): the latents of ``cells`` alone."""
    return latents.transpose(0, 1)[:, cells[:, 0]][None, :, None]


def noise_of(preset: presets.Noise, asked: NoiseSettings) -> presets.Noise:
    """The preset's noise with what is ``asked`` for."""
    return replace(preset, **asked.model_dump(exclude_none=True))


def _unet(settings: TrainSettings, preset: Mapping[str, Any], vae: Any, encoder: Any, saved: Path | None) -> Any:
    """The model of a checkpoint, of a pipeline of ours, or on a plain UNet."""
    if saved is not None:
        return parts.loaded(StructuralUNet.from_pretrained, saved / "unet")
    model = settings.model
    if model.unet is None and model.base is not None:
        folder = named.folder_of(model.base, "unet")
        if named.class_name(folder) == StructuralUNet.__name__:
            if model.changes:
                raise UserError("model.changes cannot change a structural model that is there: leave them out")
            return parts.loaded(StructuralUNet.from_pretrained, folder)
    channels = channels_of(vae)
    wanted = {**_defaults(), **preset, **model.changes}
    for kind in ("targets", "conditions"):
        wanted[kind] = [_of_channels(entry, channels) for entry in wanted[kind]]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        plain = parts.unet_of(model, channels, encoder.config.hidden_size)
        try:
            return StructuralUNet.from_unet(plain, **wanted)
        except TypeError as error:
            raise UserError(f"model.changes: no model can be built: {one_line(error, 200)}") from error


def _defaults() -> dict[str, Any]:
    return {"targets": presets.TARGETS, "conditions": (presets.SKELETON_LATENT,)}


def channels_of(vae: Any) -> int:
    """Of the VAE's latents."""
    if "latent_channels" in vae.config:
        return int(vae.config.latent_channels)
    return int(vae.config.block_out_channels[-1])


def _of_channels(entry: Any, channels: int) -> dict[str, Any]:
    fields = {"name": entry} if isinstance(entry, str) else dict(entry)
    return {**fields, "channels": channels}

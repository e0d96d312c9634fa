"""Stage 2: a trainable copy of SDXL's encoder that steers the frozen SDXL by structural maps (HyperHuman, section 3.3).

The copy, its middle block and its zero convolutions are diffusers' ControlNet. New are the conditions: each map has an embedder
of its own, their features are summed, and any of them may be absent. Before training, all that the copy adds to SDXL is zero.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from diffusers import ControlNetModel, UNet2DConditionModel
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.attention import AttentionMixin
from diffusers.models.controlnets.controlnet import ControlNetOutput
from diffusers.models.modeling_utils import ModelMixin
from torch import nn

from humanverse import model_presets as presets
from humanverse.errors import UserError
from humanverse.models.entries import Condition, parse_conditions, written
from humanverse.models.map_embedder import CHANNELS, MapEmbedder
from humanverse.models.unet_config import as_json

_CONTROL = frozenset(inspect.signature(ControlNetModel.__init__).parameters) - {"self"}
"""What of a UNet's configuration its encoder needs."""


class StructureRefiner(ModelMixin, AttentionMixin, ConfigMixin):
    """The Structure-Guided Refiner's trainable part; the frozen UNet is kept apart, and is not saved with it.

    Args:
        unet: arguments of the ``UNet2DConditionModel`` that is steered.
        conditions: what is told, as names, fields of ``Condition``, or both; maps have 3 channels if not said otherwise.
        embedder_channels: of each embedder's convolutions; all but the first halve the map, and together they must shrink it as
            the VAE shrinks a picture.
    """

    _supports_gradient_checkpointing = True
    _no_split_modules = ["BasicTransformerBlock", "ResnetBlock2D"]
    _skip_layerwise_casting_patterns = ["norm"]
    _repeated_blocks = ["BasicTransformerBlock"]

    @register_to_config
    def __init__(
        self,
        unet: Mapping[str, Any] = presets.SDXL_BASE,
        conditions: Sequence[Any] = presets.MAPS,
        embedder_channels: Sequence[int] = CHANNELS,
    ) -> None:
        super().__init__()
        plain = as_json(unet)
        self.conditions: tuple[Condition, ...] = parse_conditions(conditions, channels=3)
        self.register_to_config(
            unet=plain, conditions=written(self.conditions), embedder_channels=list(embedder_channels)
        )
        self._assemble(ControlNetModel(**{key: value for key, value in plain.items() if key in _CONTROL}))

    def _assemble(self, encoder: ControlNetModel) -> None:
        encoder.controlnet_cond_embedding = nn.Identity()
        self.encoder: Any = encoder
        features = encoder.conv_in.out_channels
        self.embedders = nn.ModuleDict(
            {
                entry.name: MapEmbedder(entry.channels, features, self.config.embedder_channels)
                for entry in self.conditions
            }
        )
        self.embedders.to(encoder.device, encoder.dtype)

    @classmethod
    def from_unet(cls, unet: UNet2DConditionModel, **settings: Any) -> StructureRefiner:
        """A refiner whose encoder has the weights of ``unet``, which stays as it is.

        Args:
            unet: a plain UNet like SDXL's; device and dtype are kept.
            settings: the constructor's arguments, except ``unet``.
        """
        with torch.device("meta"):
            model = cls(unet=unet.config, **settings)
        model._assemble(nn.Module.to(ControlNetModel.from_unet(unet), unet.device, unet.dtype))
        return model.train(unet.training)

    def forward(
        self,
        sample: torch.Tensor,
        timestep: torch.Tensor | float | int,
        encoder_hidden_states: torch.Tensor,
        maps: Mapping[str, torch.Tensor],
        added_cond_kwargs: Mapping[str, torch.Tensor] | None = None,
        scale: float = 1.0,
    ) -> ControlNetOutput:
        """What is to be added to the frozen UNet's skip connections and middle block.

        Args:
            sample: the noised latent, (batch, channels, height, width).
            timestep: one number, or (batch,).
            encoder_hidden_states: the text, (batch, tokens, width).
            maps: per condition (batch, channels, 8 height, 8 width) in [0, 1]; one that is absent, like one that is dropped in
                training, is zeros.
            added_cond_kwargs: as the frozen UNet takes them; SDXL's are ``text_embeds`` and ``time_ids``.
            scale: of what is added.

        Raises:
            UserError: for a map that the model does not know, or of a wrong shape.
        """
        return self.encoder(
            sample,
            timestep,
            encoder_hidden_states,
            controlnet_cond=self._embedded(sample, maps),
            conditioning_scale=scale,
            added_cond_kwargs=dict(added_cond_kwargs or {}),
        )

    def _embedded(self, sample: torch.Tensor, maps: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """The maps' features, summed; zeros where the model has no condition."""
        unknown = set(maps) - set(self.embedders)
        if unknown:
            known = ", ".join(self.embedders) or "none"
            raise UserError(f"The refiner knows no condition {', '.join(sorted(unknown))}: it knows {known}.")
        total = sample.new_zeros(len(sample), self.encoder.conv_in.out_channels, *sample.shape[-2:])
        for entry in self.conditions:
            total = total + self.embedders[entry.name](self._map(entry, sample, maps))
        return total

    def _map(self, entry: Condition, sample: torch.Tensor, maps: Mapping[str, torch.Tensor]) -> torch.Tensor:
        factor = 2 ** (len(self.config.embedder_channels) - 1)
        shape = (len(sample), entry.channels, *(factor * side for side in sample.shape[-2:]))
        if entry.name not in maps:
            return sample.new_zeros(shape)
        given = maps[entry.name]
        if given.shape != shape:
            raise UserError(f"The map {entry.name!r} has shape {tuple(given.shape)}: give {shape} for this latent.")
        return given.to(sample.dtype)


def refine(
    unet: UNet2DConditionModel,
    refiner: StructureRefiner,
    sample: torch.Tensor,
    timestep: torch.Tensor | float | int,
    encoder_hidden_states: torch.Tensor,
    maps: Mapping[str, torch.Tensor],
    added_cond_kwargs: Mapping[str, torch.Tensor] | None = None,
    scale: float = 1.0,
) -> torch.Tensor:
    """The prediction of ``unet`` steered by ``refiner``, (batch, channels, height, width).

    The other arguments are those of ``StructureRefiner.forward``.

    ``unet`` is frozen by whoever trains (``unet.requires_grad_(False)``); gradients pass through its decoder to the refiner.
    """
    steered = refiner(sample, timestep, encoder_hidden_states, maps, added_cond_kwargs, scale)
    return unet(
        sample,
        timestep,
        encoder_hidden_states,
        added_cond_kwargs=dict(added_cond_kwargs or {}),
        down_block_additional_residuals=steered.down_block_res_samples,
        mid_block_additional_residual=steered.mid_block_res_sample,
    ).sample

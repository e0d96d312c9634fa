"""Stage 1: a UNet that denoises several aligned targets at once (HyperHuman, section 3.2).

Each target has its own first and last blocks; all between is shared. The branches' features are averaged before the shared part,
its output goes to every branch, and each branch keeps its own skip connections. The averaged features are the shared part's first
skip connection, as the first convolution's output is a plain UNet's.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from diffusers import UNet2DConditionModel
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.attention import AttentionMixin
from diffusers.models.modeling_utils import ModelMixin
from diffusers.utils import BaseOutput
from torch import nn

from humanverse import model_presets as presets
from humanverse.errors import UserError
from humanverse.models import latents
from humanverse.models.branch import Branch, attends_to, average, run_down, run_up
from humanverse.models.entries import Condition, Target, parse_conditions, parse_targets, written
from humanverse.models.replication import cut, depth_named
from humanverse.models.size_embedding import SizeEmbedding
from humanverse.models.unet_config import of_latents_time_and_text


@dataclass
class StructuralUNetOutput(BaseOutput):
    """What the network predicts: per target, (batch, channels, height, width)."""

    sample: dict[str, torch.Tensor]


class StructuralUNet(ModelMixin, AttentionMixin, ConfigMixin):
    """The Latent Structural Diffusion Model.

    Args:
        unet: arguments of the plain ``UNet2DConditionModel`` whose blocks are used.
        targets: what is denoised, as names, fields of ``Target``, or both. The first is what statistics are matched to.
        conditions: what is told; their latents are concatenated to each target's noised latent, in this order.
        replication: how much each target has of its own: ``half``, ``one`` or ``two`` (see ``replication``).
        size_embedding_dim: of the sines and cosines of each of the four sizes; 0 for no such embedding.
        latent_statistics: per target ``mean`` and ``std`` of its latents' channels (see ``latents``), kept with the model.

    New weights leave the function of the plain UNet as it is: the first convolution's further input channels and the size
    embedding's last layer are zero, and the branches start equal.
    """

    _supports_gradient_checkpointing = True
    _no_split_modules = ["BasicTransformerBlock", "ResnetBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"]
    _skip_layerwise_casting_patterns = ["norm"]
    _repeated_blocks = ["BasicTransformerBlock"]

    @register_to_config
    def __init__(
        self,
        unet: Mapping[str, Any] = presets.SD2_BASE,
        targets: Sequence[Any] = presets.TARGETS,
        conditions: Sequence[Any] = (presets.SKELETON_LATENT,),
        replication: str = "one",
        size_embedding_dim: int = 256,
        latent_statistics: Mapping[str, Mapping[str, Sequence[float]]] | None = None,
    ) -> None:
        super().__init__()
        plain = of_latents_time_and_text(unet)
        self.targets: tuple[Target, ...] = parse_targets(targets)
        self.conditions: tuple[Condition, ...] = parse_conditions(conditions, channels=4)
        depth_named(replication)
        self.register_to_config(unet=plain, targets=written(self.targets), conditions=written(self.conditions))
        self._assemble(UNet2DConditionModel.from_config(plain))

    def _assemble(self, unet: UNet2DConditionModel) -> None:
        """Take ``unet`` apart; its modules become this model's."""
        parts = cut(unet.down_blocks, unet.up_blocks, depth_named(self.config.replication))
        told = sum(condition.channels for condition in self.conditions)
        self.time_proj: Any = unet.time_proj
        self.time_embedding: Any = unet.time_embedding
        self.size_embedding = self._new_size_embedding(unet)
        self.branches: Any = nn.ModuleDict({target.name: Branch(unet, parts, target, told) for target in self.targets})
        self.shared_down = nn.ModuleList(parts.shared_down)
        self.mid_block: Any = unet.mid_block
        self.shared_up = nn.ModuleList(parts.shared_up)

    def _new_size_embedding(self, unet: UNet2DConditionModel) -> SizeEmbedding | None:
        if not self.config.size_embedding_dim:
            return None
        time_dim = unet.time_embedding.linear_2.out_features
        return SizeEmbedding(self.config.size_embedding_dim, time_dim).to(unet.device, unet.dtype)

    @classmethod
    def from_unet(cls, unet: UNet2DConditionModel, **settings: Any) -> StructuralUNet:
        """A structural model with the weights of ``unet``, which stays as it is.

        Args:
            unet: a plain UNet like Stable Diffusion 2's; device and dtype are kept.
            settings: the constructor's arguments, except ``unet``.
        """
        with torch.device("meta"):
            model = cls(unet=unet.config, **settings)
        model._assemble(copy.deepcopy(unet))
        model.requires_grad_(True)
        return model.train(unet.training)

    def set_latent_statistics(self, measured: Mapping[str, latents.Statistics]) -> None:
        """Keep what was ``measured`` in the configuration, so that it is saved with the weights.

        Raises:
            UserError: if a target is missing or has another number of channels.
        """
        for target in self.targets:
            if target.name not in measured or len(measured[target.name].mean) != target.channels:
                raise UserError(f"Statistics of {target.name!r} are needed, of {target.channels} channels.")
        kept = {target.name: measured[target.name].written() for target in self.targets}
        self.register_to_config(latent_statistics=kept)

    def normalise(self, name: str, latent: torch.Tensor) -> torch.Tensor:
        """``latent`` of target ``name``, (batch, channels, ...), with the mean and deviation of the first target's latents."""
        return latents.match(latent, *self._statistics(name))

    def denormalise(self, name: str, latent: torch.Tensor) -> torch.Tensor:
        """What ``normalise`` was given."""
        own, reference = self._statistics(name)
        return latents.match(latent, reference, own)

    def _statistics(self, name: str) -> tuple[latents.Statistics, latents.Statistics]:
        kept = self.config.latent_statistics
        channels = {target.name: target.channels for target in self.targets}
        if name not in channels:
            raise UserError(f"This model has no target {name!r}: it has {_listed(channels)}.")
        if kept is None:
            return latents.unmeasured(channels[name]), latents.unmeasured(channels[name])
        own, reference = (latents.Statistics(**kept[key]) for key in (name, self.targets[0].name))
        return own, latents.for_channels(reference, channels[name])

    def forward(
        self,
        sample: Mapping[str, torch.Tensor],
        timestep: torch.Tensor | float | int | Mapping[str, torch.Tensor],
        encoder_hidden_states: torch.Tensor,
        conditions: Mapping[str, torch.Tensor] | None = None,
        sizes: torch.Tensor | None = None,
        return_dict: bool = True,
    ) -> StructuralUNetOutput | tuple[dict[str, torch.Tensor]]:
        """Predict noise or velocity of every target.

        Args:
            sample: per target its noised latent, (batch, channels, height, width).
            timestep: one number, or (batch,); or (batch,) per target, in which case the shared part gets the average embedding.
            encoder_hidden_states: the text, (batch, tokens, width).
            conditions: per condition its latent, (batch, channels, height, width); a dropped one is zeros.
            sizes: (batch, 4) pixels, in the order of ``loading.crop.SIZES``; required if the model embeds them.
            return_dict: whether the answer is a ``StructuralUNetOutput`` and not a tuple of one dictionary.

        Raises:
            UserError: if an input is missing or has a wrong shape.
        """
        noised = self._noised(sample, conditions or {})
        times, shared_time = self._times(timestep, noised, sizes)
        entered = {
            name: branch.enter(noised[name], times[name], encoder_hidden_states)
            for name, branch in self.branches.items()
        }
        fused = average([features for features, _ in entered.values()])
        beyond = next(iter(entered.values()))[1][-1]
        shared = self._shared(fused, beyond, shared_time, encoder_hidden_states)
        result = {
            name: branch.leave(shared, entered[name][1], times[name], encoder_hidden_states)
            for name, branch in self.branches.items()
        }
        return StructuralUNetOutput(sample=result) if return_dict else (result,)

    def _shared(
        self, hidden: torch.Tensor, beyond: torch.Tensor, time: torch.Tensor, text: torch.Tensor
    ) -> torch.Tensor:
        """The shared part: a UNet without first and last layers, on the branches' averaged features."""
        skips = [hidden]
        for block in self.shared_down:
            hidden, made = run_down(block, hidden, time, text)
            skips += made
        if self.mid_block is not None:
            hidden = self.mid_block(hidden, time, **attends_to(self.mid_block, text))
        for block in self.shared_up:
            hidden = run_up(block, hidden, skips, time, text, beyond)
        return hidden

    def _noised(
        self, sample: Mapping[str, torch.Tensor], conditions: Mapping[str, torch.Tensor]
    ) -> dict[str, torch.Tensor]:
        """Each target's noised latent with the conditions' latents behind it."""
        told = {entry.name: _given("condition", entry, conditions) for entry in self.conditions}
        noised = {entry.name: _given("target", entry, sample) for entry in self.targets}
        _check_alike({**noised, **told})
        return {name: torch.cat([latent, *told.values()], dim=1) for name, latent in noised.items()}

    def _times(
        self,
        timestep: torch.Tensor | float | int | Mapping[str, torch.Tensor],
        noised: Mapping[str, torch.Tensor],
        sizes: torch.Tensor | None,
    ) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
        """The time embedding of each target, and that of the shared part; (batch, width) each."""
        like = next(iter(noised.values()))
        added = self._sizes(sizes)
        given = timestep if isinstance(timestep, Mapping) else dict.fromkeys(noised, timestep)
        if set(given) != set(noised):
            raise UserError(f"Timesteps are given for {_listed(given)}: give one for each of {_listed(noised)}.")
        first, *others = (given[name] for name in noised)
        if all(steps is first for steps in others):
            same = self._time(first, like) + added
            return dict.fromkeys(noised, same), same
        own = {name: self._time(given[name], like) + added for name in noised}
        return own, average(list(own.values()))

    def _time(self, timestep: torch.Tensor | float | int, like: torch.Tensor) -> torch.Tensor:
        steps = torch.as_tensor(timestep, device=like.device).expand(len(like))
        return self.time_embedding(self.time_proj(steps).to(like.dtype))

    def _sizes(self, sizes: torch.Tensor | None) -> torch.Tensor | float:
        if self.size_embedding is None:
            return 0.0
        if sizes is None:
            raise UserError(
                "This model embeds sizes: give (batch, 4) pixels, original height and width, crop top and left."
            )
        return self.size_embedding(sizes)


def _given(kind: str, entry: Target | Condition, given: Mapping[str, torch.Tensor]) -> torch.Tensor:
    if entry.name not in given:
        raise UserError(f"The latent of the {kind} {entry.name!r} is missing: {_listed(given)} is given.")
    latent = given[entry.name]
    if latent.ndim != 4 or latent.shape[1] != entry.channels:
        expected = f"(batch, {entry.channels}, height, width)"
        raise UserError(f"The latent of {entry.name!r} has shape {tuple(latent.shape)}: give {expected}.")
    return latent


def _check_alike(given: Mapping[str, torch.Tensor]) -> None:
    (first, latent), *rest = given.items()
    for name, other in rest:
        if (len(other), *other.shape[2:]) != (len(latent), *latent.shape[2:]):
            shapes = f"{tuple(latent.shape)} and {tuple(other.shape)}"
            raise UserError(
                f"The latents of {first!r} and {name!r} have shapes {shapes}: only their channels may differ."
            )


def _listed(names: Mapping[str, Any]) -> str:
    return ", ".join(names) or "nothing"

"""One target's own part of the structural UNet: its first and last layers, copied from a plain UNet."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import torch
from diffusers import UNet2DConditionModel
from torch import nn

from humanverse.models.entries import Target
from humanverse.models.replication import Cut


def average(tensors: Sequence[torch.Tensor]) -> torch.Tensor:
    """The mean of ``tensors`` of one shape."""
    return tensors[0] if len(tensors) == 1 else torch.stack(list(tensors)).mean(dim=0)


def attends_to(block: Any, text: torch.Tensor) -> dict[str, torch.Tensor]:
    """The argument by which ``block`` is given ``text``, if it attends to any."""
    return {"encoder_hidden_states": text} if getattr(block, "has_cross_attention", False) else {}


def run_down(
    block: Any, hidden: torch.Tensor, time: torch.Tensor, text: torch.Tensor
) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """Pass a block of the encoder: what it gives, and its skip connections."""
    hidden, skips = block(hidden_states=hidden, temb=time, **attends_to(block, text))
    return hidden, list(skips)


def run_up(
    block: Any,
    hidden: torch.Tensor,
    skips: list[torch.Tensor],
    time: torch.Tensor,
    text: torch.Tensor,
    beyond: torch.Tensor | None = None,
) -> torch.Tensor:
    """Pass a block of the decoder, which takes its skip connections off the end of ``skips``.

    ``beyond`` stands for the next skip connection where ``skips`` ends with this block. An upsampler aims at the next one's size:
    twice its own, unless the encoder has halved an odd side.
    """
    taken = tuple(reversed([skips.pop() for _ in block.resnets]))
    return block(
        hidden_states=hidden,
        res_hidden_states_tuple=taken,
        temb=time,
        upsample_size=_aim(block, hidden, skips, beyond),
        **attends_to(block, text),
    )


def _aim(
    block: Any, hidden: torch.Tensor, skips: list[torch.Tensor], beyond: torch.Tensor | None
) -> tuple[int, ...] | None:
    following = skips[-1] if skips else beyond
    if getattr(block, "upsamplers", None) is None or following is None:
        return None
    size = tuple(following.shape[-2:])
    return None if size == tuple(2 * side for side in hidden.shape[-2:]) else size


def _fitted(conv: Any, inputs: int, outputs: int, latent: int) -> Any:
    """A copy of ``conv`` with other numbers of channels; weights of new outputs, and of inputs beyond ``latent``, are zero."""
    if (inputs, outputs) == (conv.in_channels, conv.out_channels):
        return copy.deepcopy(conv)
    other: Any = nn.Conv2d(inputs, outputs, conv.kernel_size, conv.stride, conv.padding)
    other = other.to(conv.weight.device, conv.weight.dtype)
    into, out = min(latent, conv.in_channels), min(outputs, conv.out_channels)
    with torch.no_grad():
        other.weight.zero_()
        other.bias.zero_()
        other.weight[:out, :into] = conv.weight[:out, :into]
        other.bias[:out] = conv.bias[:out]
    return other


class Branch(nn.Module):
    """The layers that are one target's own.

    Args:
        unet: the plain UNet.
        cut: its blocks; the own ones are copied.
        target: whose branch this is.
        told: channels of all conditions' latents together.
    """

    def __init__(self, unet: UNet2DConditionModel, cut: Cut, target: Target, told: int) -> None:
        super().__init__()
        first, last = unet.conv_in, unet.conv_out
        self.conv_in = _fitted(first, target.channels + told, first.out_channels, latent=target.channels)
        self.down_blocks = nn.ModuleList(copy.deepcopy(block) for block in cut.own_down)
        self.up_blocks = nn.ModuleList(copy.deepcopy(block) for block in cut.own_up)
        self.conv_norm_out = copy.deepcopy(unet.conv_norm_out)
        self.conv_act = copy.deepcopy(unet.conv_act)
        self.conv_out = _fitted(last, last.in_channels, target.channels, latent=last.in_channels)

    def enter(
        self, latent: torch.Tensor, time: torch.Tensor, text: torch.Tensor
    ) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """The features for the shared part, and the skip connections that this branch will take back.

        The features are not among them: the shared part takes them, averaged, as its own first skip connection.
        """
        hidden = self.conv_in(latent)
        skips = [hidden]
        for block in self.down_blocks:
            hidden, made = run_down(block, hidden, time, text)
            skips += made
        return hidden, skips[:-1]

    def leave(
        self, hidden: torch.Tensor, skips: list[torch.Tensor], time: torch.Tensor, text: torch.Tensor
    ) -> torch.Tensor:
        """The prediction from the shared part's output."""
        for block in self.up_blocks:
            hidden = run_up(block, hidden, skips, time, text)
        if self.conv_norm_out is not None:
            hidden = self.conv_act(self.conv_norm_out(hidden))
        return self.conv_out(hidden)

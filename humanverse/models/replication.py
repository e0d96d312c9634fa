"""Which blocks of a UNet each target has of its own, and which all targets share.

The cut is symmetric: what is taken from the front of the encoder is matched by the same share of the end of the decoder.

| depth | own blocks of the encoder | own blocks of the decoder |
|---|---|---|
| ``half`` | of the first down block, the first pair of residual and attention block | of the last up block, the last such pair |
| ``one`` | the first down block, with its downsampler | the last up block |
| ``two`` | the first two down blocks | the last two up blocks, with the upsampler between them |

``conv_in``, ``conv_norm_out`` and ``conv_out`` are each target's own at every depth.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn

from humanverse.errors import UserError


@dataclass(frozen=True)
class Depth:
    """Whole blocks, and then pairs of residual and attention block of the next one."""

    blocks: int
    pairs: int = 0


DEPTHS = {"half": Depth(blocks=0, pairs=1), "one": Depth(blocks=1), "two": Depth(blocks=2)}


@dataclass(frozen=True)
class Cut:
    """The blocks of a UNet, in the order in which features pass them."""

    own_down: list[nn.Module]
    shared_down: list[nn.Module]
    shared_up: list[nn.Module]
    own_up: list[nn.Module]


def depth_named(name: str) -> Depth:
    """The depth called ``name``.

    Raises:
        UserError: if there is none.
    """
    if name not in DEPTHS:
        raise UserError(f"There is no replication {name!r}: choose one of {', '.join(DEPTHS)}.")
    return DEPTHS[name]


def _part(block: Any, pairs: slice, without: str | None = None) -> nn.Module:
    """Another shell around the layers of ``block``, with some of its pairs, without its sampler ``without``."""
    part = copy.deepcopy(block, memo={id(child): child for child in block.children()})
    part.resnets = block.resnets[pairs]
    if hasattr(block, "attentions"):
        part.attentions = block.attentions[pairs]
    if without is not None:
        setattr(part, without, None)
    return part


def _split_down(block: Any, pairs: int) -> tuple[nn.Module, nn.Module]:
    return _part(block, slice(0, pairs), without="downsamplers"), _part(block, slice(pairs, None))


def _split_up(block: Any, pairs: int) -> tuple[nn.Module, nn.Module]:
    at = len(block.resnets) - pairs
    return _part(block, slice(0, at), without="upsamplers"), _part(block, slice(at, None))


def cut(down: Sequence[nn.Module], up: Sequence[nn.Module], depth: Depth) -> Cut:
    """Cut the blocks of a UNet at ``depth``. Modules are handed on, not copied, except the shell of a block that is split.

    Args:
        down: the down blocks.
        up: the up blocks, as many.
        depth: how much is each target's own.

    Raises:
        UserError: if nothing would be left to share.
    """
    needed = depth.blocks + (1 if depth.pairs else 0)
    if depth.blocks >= len(down) or needed > len(down):
        raise UserError(f"A UNet of {len(down)} blocks cannot have {depth.blocks} replicated: one must stay shared.")
    own_down, shared_down = list(down[: depth.blocks]), list(down[depth.blocks :])
    at = len(up) - depth.blocks
    shared_up, own_up = list(up[:at]), list(up[at:])
    if depth.pairs:
        head, shared_down[0] = _split_down(shared_down[0], depth.pairs)
        shared_up[-1], tail = _split_up(shared_up[-1], depth.pairs)
        own_down, own_up = [*own_down, head], [tail, *own_up]
    return Cut(own_down, shared_down, shared_up, own_up)

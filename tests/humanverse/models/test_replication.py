"""Where a UNet is cut: which blocks are own and which shared, at each depth."""

from __future__ import annotations

import pytest

from humanverse.errors import UserError
from humanverse.models.replication import DEPTHS, Depth, cut, depth_named
from tests.humanverse.models import tiny


def test_whole_blocks_are_handed_on() -> None:
    unet = tiny.unet()
    for name in ("one", "two"):
        count = DEPTHS[name].blocks
        parts = cut(unet.down_blocks, unet.up_blocks, DEPTHS[name])
        assert parts.own_down == list(unet.down_blocks[:count]) and parts.shared_down == list(unet.down_blocks[count:])
        assert parts.own_up == list(unet.up_blocks[-count:]) and parts.shared_up == list(unet.up_blocks[:-count])


def test_half_is_one_residual_and_one_attention_block_at_either_end() -> None:
    unet = tiny.unet()
    parts = cut(unet.down_blocks, unet.up_blocks, DEPTHS["half"])
    (head,), (tail,) = parts.own_down, parts.own_up
    first, last = unet.down_blocks[0], unet.up_blocks[-1]
    assert list(head.resnets) == [first.resnets[0]] and list(head.attentions) == [first.attentions[0]]
    assert head.downsamplers is None
    assert list(tail.resnets) == [last.resnets[-1]] and list(tail.attentions) == [last.attentions[-1]]
    rest, before = parts.shared_down[0], parts.shared_up[-1]
    assert list(rest.resnets) == [first.resnets[1]] and list(rest.downsamplers) == list(first.downsamplers)
    assert list(before.resnets) == list(last.resnets[:2]) and list(before.attentions) == list(last.attentions[:2])
    assert parts.shared_down[1:] == list(unet.down_blocks[1:]) and parts.shared_up[:-1] == list(unet.up_blocks[:-1])
    assert len(first.resnets) == 2 and len(last.resnets) == 3, "the plain UNet keeps what it had"


def test_something_must_stay_shared() -> None:
    unet = tiny.unet()
    with pytest.raises(UserError, match="one must stay shared"):
        cut(unet.down_blocks, unet.up_blocks, Depth(blocks=3))


def test_an_unknown_depth_names_the_known_ones() -> None:
    with pytest.raises(UserError, match="half, one, two"):
        depth_named("three")

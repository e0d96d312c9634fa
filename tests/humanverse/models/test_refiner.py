"""Stage 2: untrained it is SDXL, it learns without touching SDXL, and any map may be absent."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch

from humanverse.errors import UserError
from humanverse.models.refiner import StructureRefiner, refine
from tests.humanverse.models import tiny

NAMES = ("skeleton", "depth", "normal")
SAMPLE, TEXT = tiny.noise(2, 4, 8, 8), tiny.noise(2, 5, 12, seed=1)
ADDED = {"text_embeds": tiny.noise(2, 8, seed=2), "time_ids": torch.tensor([[64, 64, 0, 0, 64, 64]]).expand(2, -1)}
MAPS = {name: tiny.noise(2, 3, 64, 64, seed=len(name)).sigmoid() for name in NAMES}


def _refiner(unet: Any, **settings: Any) -> StructureRefiner:
    return tiny.seeded(lambda: StructureRefiner.from_unet(unet, embedder_channels=tiny.EMBEDDER, **settings))


@cache
def _settled() -> tuple[Any, StructureRefiner]:
    """SDXL and a shaken refiner, for tests that only look at them."""
    unet = tiny.unet(tiny.SDXL)
    refiner = _refiner(unet)
    tiny.shaken(refiner)
    return unet, refiner


def _refined(
    unet: Any, refiner: StructureRefiner, maps: dict[str, torch.Tensor] = MAPS, **settings: Any
) -> torch.Tensor:
    return refine(unet, refiner, SAMPLE, torch.tensor([10, 900]), TEXT, maps, ADDED, **settings)


def _plain(unet: Any) -> torch.Tensor:
    return unet(SAMPLE, torch.tensor([10, 900]), TEXT, added_cond_kwargs=ADDED).sample


@torch.no_grad()
def test_untrained_it_is_sdxl_bit_by_bit() -> None:
    unet = tiny.unet(tiny.SDXL)
    plain = _plain(unet)
    assert torch.equal(_refined(unet, _refiner(unet)), plain) and plain.std() > 0.1


@torch.no_grad()
def test_its_encoder_is_sdxls() -> None:
    unet = tiny.unet(tiny.SDXL)
    encoder = _refiner(unet).encoder.state_dict()
    copied = {
        name: weight
        for name, weight in unet.state_dict().items()
        if not name.startswith(("up_", "conv_norm", "conv_out"))
    }
    assert all(torch.equal(encoder[name], weight) for name, weight in copied.items())
    assert all(name.startswith("controlnet_") for name in set(encoder) - set(copied))
    assert not any(weight.any() for name, weight in encoder.items() if name.startswith("controlnet_"))


def test_training_reaches_every_weight_and_leaves_sdxl_alone() -> None:
    unet = tiny.unet(tiny.SDXL).requires_grad_(False)
    before = {name: weight.clone() for name, weight in unet.state_dict().items()}
    refiner = _refiner(unet)
    _refined(unet, refiner).square().mean().backward()
    zero = [name for name, weight in refiner.named_parameters() if weight.grad is not None and weight.grad.any()]
    assert zero and all(name.startswith("encoder.controlnet_") for name in zero), "only the last layers, which are zero"
    tiny.shaken(refiner)
    refiner.zero_grad()
    _refined(unet, refiner).square().mean().backward()
    without = [name for name, weight in refiner.named_parameters() if weight.grad is None or not weight.grad.any()]
    assert without == []
    assert all(torch.equal(weight, before[name]) and weight.grad is None for name, weight in unet.state_dict().items())


@torch.no_grad()
def test_each_map_counts_and_an_absent_one_is_zeros() -> None:
    unet, refiner = _settled()
    everything = _refined(unet, refiner)
    for name in NAMES:
        rest = {other: MAPS[other] for other in NAMES if other != name}
        absent = _refined(unet, refiner, rest)
        assert (absent - everything).abs().max() > 1e-5
        assert torch.equal(absent, _refined(unet, refiner, {**rest, name: torch.zeros_like(MAPS[name])}))


@torch.no_grad()
def test_maps_are_summed_so_their_order_is_nothing() -> None:
    unet, refiner = _settled()
    assert torch.equal(_refined(unet, refiner, dict(reversed(MAPS.items()))), _refined(unet, refiner))


@torch.no_grad()
def test_its_share_is_scaled() -> None:
    unet, refiner = _settled()
    assert torch.equal(_refined(unet, refiner, scale=0.0), _plain(unet))
    assert not torch.equal(_refined(unet, refiner, scale=0.5), _refined(unet, refiner))


def test_gradient_checkpointing_changes_nothing() -> None:
    unet, gradients = tiny.unet(tiny.SDXL).requires_grad_(False), []
    for checkpointed in (False, True):
        refiner = _refiner(unet)
        tiny.shaken(refiner)
        if checkpointed:
            refiner.enable_gradient_checkpointing()
        refiner.train()
        _refined(unet, refiner).square().mean().backward()
        gradients.append(torch.cat([weight.grad.flatten() for weight in refiner.parameters()]))
    torch.testing.assert_close(gradients[0], gradients[1])


def test_it_is_saved_without_sdxl_and_loaded_bit_by_bit(tmp_path: Path) -> None:
    unet = tiny.unet(tiny.SDXL)
    refiner = _refiner(unet, conditions=["skeleton", {"name": "parts", "channels": 1}])
    tiny.shaken(refiner)
    refiner.save_pretrained(tmp_path)
    loaded = StructureRefiner.from_pretrained(tmp_path)
    state = refiner.state_dict()
    assert state.keys() == loaded.state_dict().keys() and not any("up_blocks" in name for name in state)
    assert all(torch.equal(weight, loaded.state_dict()[name]) for name, weight in state.items())
    assert loaded.conditions == refiner.conditions
    maps = {"skeleton": MAPS["skeleton"], "parts": MAPS["depth"][:, :1]}
    with torch.no_grad():
        assert torch.equal(_refined(unet, refiner.eval(), maps), _refined(unet, loaded, maps))


def test_it_is_built_from_its_configuration_alone() -> None:
    built = tiny.seeded(lambda: StructureRefiner(unet=tiny.SDXL, embedder_channels=tiny.EMBEDDER))
    again = tiny.seeded(lambda: StructureRefiner.from_config(built.config))
    assert all(torch.equal(weight, again.state_dict()[name]) for name, weight in built.state_dict().items())


def test_dtype_and_mode_are_sdxls() -> None:
    refiner = _refiner(tiny.unet(tiny.SDXL).to(torch.bfloat16).train())
    assert {weight.dtype for weight in refiner.parameters()} == {torch.bfloat16} and refiner.training


@torch.no_grad()
def test_a_refiner_without_conditions_is_a_copy_that_sees_text_alone() -> None:
    unet = tiny.unet(tiny.SDXL)
    refiner = _refiner(unet, conditions=[])
    assert torch.equal(_refined(unet, refiner, {}), _plain(unet))
    with pytest.raises(UserError, match="knows no condition depth: it knows none"):
        _refined(unet, refiner, {"depth": MAPS["depth"]})


def test_a_map_of_another_size_is_told() -> None:
    unet, refiner = _settled()
    with pytest.raises(UserError, match=r"'depth' has shape \(2, 3, 32, 32\): give \(2, 3, 64, 64\)"):
        _refined(unet, refiner, {"depth": torch.zeros(2, 3, 32, 32)})

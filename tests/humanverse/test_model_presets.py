"""The paper's models and ablations: each builds, runs, and has the parameters its configuration says, at real size too."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from diffusers import UNet2DConditionModel
from torch import nn

from humanverse import model_presets as presets
from humanverse.models.dropout import kept
from humanverse.models.losses import denoising_loss
from humanverse.models.refiner import StructureRefiner, refine
from humanverse.models.schedule import learnt, noised, scheduler_for
from humanverse.models.structural_unet import StructuralUNet
from humanverse.training.chance import noise_for, steps_for
from tests.humanverse.models import tiny

MILLION = 1e6


def _count(*modules: nn.Module) -> int:
    return sum(weight.numel() for module in modules for weight in module.parameters())


def _replicated(unet: UNet2DConditionModel, replication: str) -> int:
    """Parameters that each further target adds, read off the plain UNet."""
    ends = (unet.conv_in, unet.conv_norm_out, unet.conv_out)
    first, last = unet.down_blocks, unet.up_blocks
    blocks = {
        "half": (first[0].resnets[0], first[0].attentions[0], last[-1].resnets[-1], last[-1].attentions[-1]),
        "one": (first[0], last[-1]),
        "two": (*first[:2], *last[-2:]),
    }
    return _count(*ends, *blocks[replication])


def _expected(unet: UNet2DConditionModel, model: StructuralUNet) -> int:
    """P + (n - 1) R + n 9 C c for the condition's channels + the size embedding's two layers."""
    targets, width = len(model.targets), unet.config["block_out_channels"][0]
    told = sum(condition.channels for condition in model.conditions)
    time = 4 * width
    sizes = 4 * 256 * time + time + time * time + time
    replicated = _replicated(unet, model.config["replication"])
    return unet.num_parameters() + (targets - 1) * replicated + targets * 9 * told * width + sizes


@pytest.mark.parametrize("name", sorted(presets.STRUCTURAL))
def test_each_setting_of_stage_1_trains_a_step(name: str) -> None:
    setting, unet = presets.STRUCTURAL[name], tiny.unet()
    model = StructuralUNet.from_unet(unet, **setting.model)
    assert model.num_parameters() == _expected(unet, model)
    names = [target.name for target in model.targets]
    scheduler = scheduler_for(setting.noise)
    clean = {target: tiny.noise(2, 4, 8, 8, seed=len(target)) for target in names}
    steps = steps_for(0, range(2), names, setting.noise.own_timesteps, torch.device("cpu"))
    noise = noise_for(0, range(2), clean)
    given = {target: noised(scheduler, clean[target], noise[target], steps[target]) for target in names}
    told = {"skeleton": torch.zeros(2, 4, 8, 8)}
    predicted = model(given, steps, tiny.noise(2, 5, 12), told, torch.zeros(2, 4)).sample
    wanted = {target: learnt(scheduler, clean[target], noise[target], steps[target]) for target in names}
    losses = denoising_loss(predicted, wanted, {target.name: target.weight for target in model.targets})
    losses.total.backward()
    assert losses.total.isfinite() and all(branch.conv_out.weight.grad.any() for branch in model.branches.values())


def _real(config: Any) -> UNet2DConditionModel:
    with torch.device("meta"):
        return UNet2DConditionModel(**config)


PARAMETERS = {"paper": 929.3, "rgb": 868.9, "rgb_depth": 899.1, "half_block": 891.1, "two_blocks": 1149.0}
"""Millions, with Stable Diffusion 2.0's backbone; ``docs/models.md`` has them."""


def test_the_real_sizes_of_stage_1() -> None:
    unet = _real(presets.SD2_BASE)
    assert unet.num_parameters() == 865_910_724
    for name, millions in PARAMETERS.items():
        with torch.device("meta"):
            model = StructuralUNet(**presets.STRUCTURAL[name].model)
        assert model.num_parameters() == _expected(unet, model)
        assert model.num_parameters() / MILLION == pytest.approx(millions, abs=0.05), name


def test_the_configuration_is_the_papers() -> None:
    with torch.device("meta"):
        model = StructuralUNet()
    assert [branch.conv_in.in_channels for branch in model.branches.values()] == [8, 8, 8]
    assert [branch.conv_out.out_channels for branch in model.branches.values()] == [4, 4, 4]
    assert list(model.branches) == ["rgb", "depth", "normal"]
    assert model.size_embedding.project.linear_1.in_features == 4 * 256
    plain = model.config["unet"]
    assert plain["block_out_channels"] == [320, 640, 1280, 1280] and plain["layers_per_block"] == 2
    assert plain["cross_attention_dim"] == 1024 and plain["attention_head_dim"] == [5, 10, 20, 20]
    noise = presets.STRUCTURAL["paper"].noise
    assert (noise.prediction, noise.zero_terminal_snr, noise.own_timesteps) == ("v_prediction", True, False)


def test_the_real_sizes_of_stage_2() -> None:
    unet = _real(presets.SDXL_BASE)
    assert unet.num_parameters() == 2_567_463_684
    with torch.device("meta"):
        refiner = StructureRefiner()
    assert [(entry.name, entry.channels) for entry in refiner.conditions] == [
        ("skeleton", 3),
        ("depth", 3),
        ("normal", 3),
    ]
    encoder = _count(unet.conv_in, unet.time_embedding, unet.add_embedding, unet.down_blocks, unet.mid_block)
    widths = [320, 320, 320, 320, 640, 640, 640, 1280, 1280, 1280]
    zero = sum(width * width + width for width in widths)
    layers = ((3, 16, 3), (16, 32, 4), (32, 96, 4), (96, 256, 4), (256, 320, 3))
    embedder = sum(into * out * side * side + out for into, out, side in layers)
    assert refiner.num_parameters() == encoder + zero + 3 * embedder == 1_253_494_656


@pytest.mark.parametrize("name", sorted(presets.REFINER))
@torch.no_grad()
def test_each_setting_of_stage_2_runs(name: str) -> None:
    setting, unet = presets.REFINER[name], tiny.unet(tiny.SDXL)
    refiner = tiny.seeded(lambda: StructureRefiner.from_unet(unet, embedder_channels=tiny.EMBEDDER, **setting.model))
    tiny.shaken(refiner)
    told = [entry.name for entry in refiner.conditions]
    assert told == (name.split("_") if set(name.split("_")) <= {"skeleton", "depth", "normal"} else told)
    maps = {entry: tiny.noise(1, 3, 64, 64, seed=len(entry)).sigmoid() for entry in told}
    added = {"text_embeds": torch.zeros(1, 8), "time_ids": torch.zeros(1, 6)}
    given = (tiny.noise(1, 4, 8, 8), 10, tiny.noise(1, 5, 12))
    steered = refine(unet, refiner, *given, maps, added)
    assert (steered - unet(*given, added_cond_kwargs=added).sample).abs().max() > 1e-4
    masks = kept(0, range(400), dict.fromkeys(("text", *told), setting.dropout))
    shares = {entry: mask.float().mean().item() for entry, mask in masks.items()}
    assert all(share == pytest.approx(1 - setting.dropout, abs=0.08) for share in shares.values())

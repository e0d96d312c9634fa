"""Stage 1: it starts as the plain UNet, every branch learns, and it is saved bit by bit."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch

from humanverse.errors import UserError
from humanverse.models.latents import Statistics
from humanverse.models.structural_unet import StructuralUNet
from tests.humanverse.models import tiny

NAMES = ("rgb", "depth", "normal")
TEXT = tiny.noise(2, 5, 12, seed=7)
SIZES = torch.tensor([[480, 640, 0, 16], [512, 512, 3, 0]])


def _equal_inputs(side: tuple[int, int] = (8, 8)) -> dict[str, Any]:
    latent = tiny.noise(2, 4, *side)
    return {
        "sample": dict.fromkeys(NAMES, latent),
        "timestep": torch.tensor([3, 700]),
        "encoder_hidden_states": TEXT,
        "conditions": {"skeleton": tiny.noise(2, 4, *side, seed=1)},
        "sizes": SIZES,
    }


def _inputs() -> dict[str, Any]:
    return {**_equal_inputs(), "sample": {name: tiny.noise(2, 4, 8, 8, seed=len(name)) for name in NAMES}}


def _shaken(**settings: Any) -> StructuralUNet:
    model = tiny.seeded(lambda: StructuralUNet.from_unet(tiny.unet(), **settings))
    tiny.shaken(model)
    return model


@cache
def _settled() -> StructuralUNet:
    """A shaken model for tests that only look at it."""
    return _shaken().requires_grad_(False)


@cache
def _fresh() -> StructuralUNet:
    """One that starts as the plain UNet, likewise."""
    return StructuralUNet.from_unet(tiny.unet()).requires_grad_(False)


def _differs(a: StructuralUNet, b: StructuralUNet) -> bool:
    pairs = zip(a.state_dict().items(), b.state_dict().items(), strict=True)
    return any(x != y or not torch.equal(p, q) for (x, p), (y, q) in pairs)


@pytest.mark.parametrize("side", [(8, 8), (9, 13)])
@pytest.mark.parametrize("replication", ["half", "one", "two"])
@torch.no_grad()
def test_fresh_branches_predict_what_the_plain_unet_does(replication: str, side: tuple[int, int]) -> None:
    unet, given = tiny.unet(), _equal_inputs(side)
    plain = unet(given["sample"]["rgb"], given["timestep"], TEXT).sample
    predicted = StructuralUNet.from_unet(unet, replication=replication)(**given).sample
    assert list(predicted) == list(NAMES)
    for name in NAMES:
        assert (predicted[name] - plain).abs().max() < 1e-5
    assert plain.std() > 0.1


@pytest.mark.parametrize("replication", ["half", "one", "two"])
@torch.no_grad()
def test_one_target_is_the_plain_unet_bit_by_bit(replication: str) -> None:
    unet, given = tiny.unet(), _equal_inputs()
    alone = StructuralUNet.from_unet(
        unet, targets=["rgb"], conditions=[], size_embedding_dim=0, replication=replication
    )
    plain = unet(given["sample"]["rgb"], given["timestep"], TEXT).sample
    assert torch.equal(alone(given["sample"], given["timestep"], TEXT).sample["rgb"], plain)
    assert alone.num_parameters() == unet.num_parameters()


@torch.no_grad()
def test_the_backbone_may_have_one_layer_a_block() -> None:
    for replication in ("half", "one", "two"):
        unet, given = tiny.unet(layers_per_block=1), _equal_inputs()
        plain = unet(given["sample"]["rgb"], given["timestep"], TEXT).sample
        predicted = StructuralUNet.from_unet(unet, replication=replication)(**given).sample
        assert (predicted["normal"] - plain).abs().max() < 1e-5


@pytest.mark.parametrize("middle", ["UNetMidBlock2D", None])
@torch.no_grad()
def test_the_middle_of_the_backbone_may_be_plain_or_absent(middle: str | None) -> None:
    unet, given = tiny.unet(mid_block_type=middle), _equal_inputs()
    plain = unet(given["sample"]["rgb"], given["timestep"], TEXT).sample
    assert (StructuralUNet.from_unet(unet)(**given).sample["depth"] - plain).abs().max() < 1e-5


@torch.no_grad()
def test_targets_see_each_other_through_the_shared_part() -> None:
    model, given = _settled(), _inputs()
    before = model(**given).sample["rgb"]
    given["sample"] = {**given["sample"], "depth": tiny.noise(2, 4, 8, 8, seed=99)}
    assert (model(**given).sample["rgb"] - before).abs().max() > 1e-4


@torch.no_grad()
def test_every_input_counts_once_the_new_weights_have_moved() -> None:
    model, given = _settled(), _inputs()
    before = model(**given).sample
    others: dict[str, Any] = {
        "timestep": torch.tensor([4, 300]),
        "encoder_hidden_states": tiny.noise(2, 5, 12, seed=8),
        "conditions": {"skeleton": torch.zeros(2, 4, 8, 8)},
        "sizes": SIZES + 50,
    }
    for name, value in others.items():
        after = model(**{**given, name: value}).sample
        assert all((after[target] - before[target]).abs().max() > 1e-5 for target in NAMES), name


@torch.no_grad()
def test_a_timestep_per_target_is_its_branchs_own() -> None:
    model, given = _settled(), _inputs()
    same = model(**given).sample
    steps = dict.fromkeys(NAMES, given["timestep"])
    shared = model(**{**given, "timestep": steps}).sample
    assert all(torch.equal(same[name], shared[name]) for name in NAMES)
    spelled = model(**{**given, "timestep": {name: step.clone() for name, step in steps.items()}}).sample
    assert all((same[name] - spelled[name]).abs().max() < 1e-5 for name in NAMES)
    other = model(**{**given, "timestep": {**steps, "depth": torch.tensor([900, 100])}}).sample
    moved = {name: (other[name] - same[name]).abs().max().item() for name in NAMES}
    assert moved["depth"] > moved["rgb"] > 0
    with pytest.raises(UserError, match="give one for each of rgb, depth, normal"):
        model(**{**given, "timestep": {"rgb": 1}})


@torch.no_grad()
def test_one_number_is_every_samples_timestep() -> None:
    model, given = _settled(), _inputs()
    one = model(**{**given, "timestep": 17}).sample
    each = model(**{**given, "timestep": torch.tensor([17, 17])}).sample
    assert all(torch.equal(one[name], each[name]) for name in NAMES)


def test_gradients_reach_every_weight_of_every_branch() -> None:
    model, given = _shaken(), _inputs()
    sum(output.square().mean() for output in model(**given).sample.values()).backward()
    without = [name for name, weight in model.named_parameters() if weight.grad is None or not weight.grad.any()]
    assert without == []


def test_the_new_weights_learn_from_the_start() -> None:
    model = StructuralUNet.from_unet(tiny.unet())
    sum(output.square().mean() for output in model(**_inputs()).sample.values()).backward()
    for branch in model.branches.values():
        assert not branch.conv_in.weight[:, 4:].any() and branch.conv_in.weight.grad[:, 4:].any()
    assert model.size_embedding.project.linear_2.weight.grad.any()


def test_gradient_checkpointing_changes_nothing() -> None:
    gradients = []
    for checkpointed in (False, True):
        model = _shaken()
        if checkpointed:
            model.enable_gradient_checkpointing()
        model.train()
        sum(output.square().mean() for output in model(**_inputs()).sample.values()).backward()
        gradients.append(torch.cat([weight.grad.flatten() for weight in model.parameters()]))
    torch.testing.assert_close(gradients[0], gradients[1])


def test_the_plain_unet_stays_as_it_is_and_is_not_shared() -> None:
    unet = tiny.unet().requires_grad_(False)
    before = {name: weight.clone() for name, weight in unet.state_dict().items()}
    model = StructuralUNet.from_unet(unet)
    assert all(weight.requires_grad for weight in model.parameters())
    tiny.shaken(model, by=1.0)
    assert all(torch.equal(weight, before[name]) for name, weight in unet.state_dict().items())
    pointers = [weight.data_ptr() for weight in model.parameters()]
    assert len(set(pointers)) == len(pointers), "no two branches share a weight"


def test_dtype_and_mode_are_the_plain_unets() -> None:
    model = StructuralUNet.from_unet(tiny.unet().to(torch.bfloat16).train())
    assert {weight.dtype for weight in model.parameters()} == {torch.bfloat16} and model.training
    given = _inputs()
    halves = {name: latent.bfloat16() for name, latent in given["sample"].items()}
    told = {"skeleton": given["conditions"]["skeleton"].bfloat16()}
    assert model(halves, 5, TEXT.bfloat16(), told, SIZES).sample["normal"].dtype == torch.bfloat16


@pytest.mark.parametrize("replication", ["half", "two"])
def test_it_is_saved_and_loaded_bit_by_bit(tmp_path: Path, replication: str) -> None:
    model = _shaken(replication=replication, targets=["rgb", {"name": "parts", "channels": 6, "weight": 0.25}])
    model.set_latent_statistics({"rgb": Statistics([0.1] * 4, [1.1] * 4), "parts": Statistics([0.2] * 6, [3.3] * 6)})
    model.save_pretrained(tmp_path)
    loaded = StructuralUNet.from_pretrained(tmp_path)
    assert not _differs(model, loaded) and loaded.targets == model.targets
    assert {key: loaded.config[key] for key in model.config if not key.startswith("_")} == {
        key: value for key, value in model.config.items() if not key.startswith("_")
    }
    assert torch.equal(*(each.normalise("parts", tiny.noise(1, 6, 2, 2)) for each in (model, loaded)))


def test_it_is_built_from_its_configuration_alone() -> None:
    model = tiny.seeded(lambda: StructuralUNet(unet=tiny.SD2, targets=["rgb", "depth"]))
    branches = [branch.state_dict() for branch in model.branches.values()]
    assert all(torch.equal(branches[0][name], branches[1][name]) for name in branches[0])
    again = tiny.seeded(lambda: StructuralUNet.from_config(model.config))
    assert not _differs(model, again)


@torch.no_grad()
def test_a_further_target_and_condition_is_an_entry() -> None:
    unet = tiny.unet()
    model = StructuralUNet.from_unet(
        unet,
        targets=[*NAMES, {"name": "parts", "channels": 6}],
        conditions=["skeleton", {"name": "scene", "channels": 3}],
    )
    given = _equal_inputs()
    given["sample"]["parts"] = torch.cat([given["sample"]["rgb"], tiny.noise(2, 2, 8, 8)], dim=1)
    given["conditions"]["scene"] = tiny.noise(2, 3, 8, 8)
    predicted = model(**given).sample
    plain = unet(given["sample"]["rgb"], given["timestep"], TEXT).sample
    assert predicted["parts"].shape == (2, 6, 8, 8) and not predicted["parts"][:, 4:].any()
    assert all((predicted[name][:, :4] - plain).abs().max() < 1e-5 for name in model.branches)


def test_statistics_move_latents_to_the_first_targets() -> None:
    model = StructuralUNet.from_unet(tiny.unet(), targets=["rgb", "depth"])
    latent = tiny.noise(2, 4, 8, 8)
    assert torch.equal(model.normalise("depth", latent), latent), "nothing was measured"
    model.set_latent_statistics({"rgb": Statistics([1.0] * 4, [2.0] * 4), "depth": Statistics([5.0] * 4, [0.5] * 4)})
    torch.testing.assert_close(model.normalise("depth", latent), (latent - 5) / 0.5 * 2 + 1)
    torch.testing.assert_close(
        model.denormalise("depth", model.normalise("depth", latent)), latent, atol=1e-6, rtol=1e-5
    )
    assert torch.equal(model.normalise("rgb", latent), latent)
    with pytest.raises(UserError, match="no target 'normal'"):
        model.normalise("normal", latent)
    with pytest.raises(UserError, match=r"Statistics of 'depth'.*4 channels"):
        model.set_latent_statistics({"rgb": Statistics([1.0] * 4, [2.0] * 4)})


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"sample": {}}, "target 'rgb' is missing: nothing is given"),
        ({"sample": {name: torch.zeros(2, 3, 8, 8) for name in NAMES}}, r"'rgb' has shape \(2, 3, 8, 8\)"),
        ({"conditions": {"skeleton": torch.zeros(2, 4, 8, 9)}}, r"'rgb' and 'skeleton' .*\(2, 4, 8, 9\): only"),
        ({"conditions": {"skeleton": torch.zeros(1, 4, 8, 8)}}, r"'rgb' and 'skeleton' .*\(1, 4, 8, 8\): only"),
        ({"conditions": None}, "condition 'skeleton' is missing"),
        ({"sizes": None}, "embeds sizes"),
    ],
)
def test_what_is_missing_is_told(changed: dict[str, Any], told: str) -> None:
    with pytest.raises(UserError, match=told):
        _fresh()(**{**_equal_inputs(), **changed})


def test_a_wrong_setting_is_told() -> None:
    with pytest.raises(UserError, match="half, one, two"):
        StructuralUNet(unet=tiny.SD2, replication="all")
    with pytest.raises(UserError, match="text_time"):
        StructuralUNet(unet=tiny.SDXL)

"""DPT-hybrid: the published checkpoints' names and shapes, and another implementation's answers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from annotators.networks.dpt_hybrid import STRIDE, DptHybrid, Shape, stripped
from tests.annotators.networks.dpt_reference import TINY, reference

KEYS = Path(__file__).parents[4] / "shared" / "keys"
LISTS = (("omnidata_dpt_hybrid_depth.json", 1), ("omnidata_dpt_hybrid_normal.json", 3))


def random_network(outputs: int, shape: Shape = TINY, seed: int = 0) -> DptHybrid:
    """Every parameter is drawn, so that none may be left out unseen."""
    torch.manual_seed(seed)
    network = DptHybrid(outputs, shape)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    return network.eval()


def shapes(outputs: int) -> dict[str, list[int]]:
    """Names and shapes of the network of full size, of which no tensor is made."""
    with torch.device("meta"):
        network = DptHybrid(outputs)
    return {name: list(tensor.shape) for name, tensor in network.state_dict().items()}


@pytest.mark.parametrize("outputs", [1, 3])
def test_it_has_the_published_number_of_tensors_and_parameters(outputs: int) -> None:
    found = shapes(outputs)
    sizes = [torch.Size(shape).numel() for shape in found.values()]
    assert len(sizes) == 368 and round(sum(sizes) / 1e6, 1) == 123.1
    assert found["scratch.output_conv.4.weight"] == [outputs, 32, 1, 1]


@pytest.mark.parametrize(("file", "outputs"), LISTS)
def test_it_has_the_names_and_shapes_of_the_published_checkpoint(file: str, outputs: int) -> None:
    if not (KEYS / file).is_file():
        pytest.skip(f"the lists of tensors are not at {KEYS}")
    assert shapes(outputs) == json.loads((KEYS / file).read_text(encoding="utf-8"))


@pytest.mark.slow
@pytest.mark.parametrize(("file", "outputs"), LISTS)
def test_tensors_of_those_names_and_shapes_load_and_come_back(file: str, outputs: int) -> None:
    if not (KEYS / file).is_file():
        pytest.skip(f"the lists of tensors are not at {KEYS}")
    listed = json.loads((KEYS / file).read_text(encoding="utf-8"))
    published = {f"model.{name}": torch.rand(shape) for name, shape in listed.items()}
    network = DptHybrid(outputs)
    network.load_state_dict(stripped(published), strict=True)
    back = {f"model.{name}": tensor for name, tensor in network.state_dict().items()}
    assert back.keys() == published.keys()
    assert all(torch.equal(back[name], tensor) for name, tensor in published.items())


def test_the_training_wrapper_is_stripped_and_nothing_else() -> None:
    own = random_network(1).state_dict()
    assert stripped({f"model.{name}": tensor for name, tensor in own.items()}).keys() == own.keys()
    assert stripped(own).keys() == own.keys()


def test_a_checkpoint_that_lacks_a_tensor_does_not_load() -> None:
    network = random_network(1)
    tensors = network.state_dict()
    del tensors["scratch.refinenet4.resConfUnit1.conv1.weight"]
    with pytest.raises(RuntimeError, match="refinenet4"):
        network.load_state_dict(tensors, strict=True)


def test_it_says_what_the_implementation_of_transformers_says() -> None:
    network = random_network(1)
    other = reference(TINY, network.state_dict())
    images = torch.rand(2, 3, TINY.side, TINY.side, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        ours, theirs = network(images)[:, 0], other(images).predicted_depth
    assert ours.std() > 1e-2
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_at_full_size_too_and_its_backbone_is_that_of_timm() -> None:
    import timm

    network = random_network(1, Shape(), seed=3)
    other = reference(Shape(), network.state_dict())
    images = torch.rand(1, 3, 384, 384, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        ours, theirs = network(images)[:, 0], other(images).predicted_depth
    torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-3 * float(theirs.abs().max()))
    timm.create_model("vit_base_r50_s16_384").load_state_dict(network.pretrained.model.state_dict(), strict=True)


@pytest.mark.parametrize("size", [(96, 96), (64, 160), (160, 64), (32, 32)])
def test_maps_have_the_size_of_the_input(size: tuple[int, int]) -> None:
    assert all(side % STRIDE == 0 for side in size)
    with torch.inference_mode():
        made = random_network(3)(torch.rand(1, 3, *size))
    assert made.shape == (1, 3, *size) and bool((made >= 0).all())

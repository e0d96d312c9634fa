"""ViTPose: the published checkpoints' names and shapes, MMPose 1.x's own, and another implementation's answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from annotators.cache import WeightError
from annotators.networks.vitpose import Shape, ViTPose, as_published
from annotators.torch.weights import load_strictly
from tests.annotators.networks.vitpose_reference import TINY, reference

KEYS = Path(__file__).parents[4] / "shared" / "keys" / "vitpose_huge_wholebody_256x192.json"


def random_network(shape: Shape = TINY, seed: int = 0) -> ViTPose:
    """Every parameter and statistic is drawn, so that none may be left out unseen."""
    torch.manual_seed(seed)
    network = ViTPose(shape)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    torch.nn.init.normal_(network.backbone.pos_embed)
    for name, statistic in network.named_buffers():
        if name.endswith(("mean", "var")):
            torch.nn.init.uniform_(statistic, 0.5, 1.5)
    return network.eval()


def shapes(shape: Shape | None = None) -> dict[str, list[int]]:
    """Names and shapes of a network, of which no tensor is made."""
    with torch.device("meta"):
        network = ViTPose(shape)
    return {name: list(tensor.shape) for name, tensor in network.state_dict().items()}


def answers(network: torch.nn.Module, shape: Shape = TINY) -> torch.Tensor:
    """(2, points, height / 4, width / 4), of random pictures that are always the same."""
    images = torch.rand(2, 3, shape.input[1], shape.input[0], generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        said: torch.Tensor = network(images)
    return said


def mmpose_1(blocks: int, width: int, decoder: int, points: int, patches: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Names and shapes of the tensors of mmpose 1.x's ``TopdownPoseEstimator`` on mmpretrain's ``VisionTransformer`` without
    class token, in the order of its definition."""
    yield "backbone.pos_embed", (1, patches, width)
    yield "backbone.patch_embed.projection.weight", (width, 3, 16, 16)
    yield "backbone.patch_embed.projection.bias", (width,)
    for number in range(blocks):
        for name, sizes in (
            ("ln1", (width,)),
            ("attn.qkv", (3 * width, width)),
            ("attn.proj", (width, width)),
            ("ln2", (width,)),
            ("ffn.layers.0.0", (4 * width, width)),
            ("ffn.layers.1", (width, 4 * width)),
        ):
            yield f"backbone.layers.{number}.{name}.weight", sizes
            yield f"backbone.layers.{number}.{name}.bias", sizes[:1]
    yield "backbone.ln1.weight", (width,)
    yield "backbone.ln1.bias", (width,)
    for layer, wide in ((0, width), (3, decoder)):
        yield f"head.deconv_layers.{layer}.weight", (wide, decoder, 4, 4)
        for name in ("weight", "bias", "running_mean", "running_var"):
            yield f"head.deconv_layers.{layer + 1}.{name}", (decoder,)
        yield f"head.deconv_layers.{layer + 1}.num_batches_tracked", ()
    yield "head.final_layer.weight", (points, decoder, 1, 1)
    yield "head.final_layer.bias", (points,)


def test_it_has_the_published_number_of_tensors_and_parameters() -> None:
    found = shapes()
    assert len(found) == 403 and sum(torch.Size(sizes).numel() for sizes in found.values()) == 637_239_687
    assert found["backbone.pos_embed"] == [1, 193, 1280] and found["keypoint_head.final_layer.weight"] == [
        133,
        256,
        1,
        1,
    ]


def test_it_has_the_names_and_shapes_of_the_published_checkpoint() -> None:
    if not KEYS.is_file():
        pytest.skip(f"the list of tensors is not at {KEYS}")
    assert shapes() == json.loads(KEYS.read_text(encoding="utf-8"))


def test_a_network_of_full_size_takes_the_names_of_mmpose_1() -> None:
    full = Shape()
    listed = mmpose_1(full.blocks, full.width, full.decoder, full.points, 192)
    theirs = {name: torch.empty(sizes, device="meta") for name, sizes in listed}
    assert {name: list(tensor.shape) for name, tensor in as_published(theirs).items()} == shapes()


def test_a_checkpoint_of_mmpose_1_loads_into_the_parts_that_do_the_same() -> None:
    generator = torch.Generator().manual_seed(3)
    listed = mmpose_1(TINY.blocks, TINY.width, TINY.decoder, TINY.points, 12)
    theirs = {name: torch.rand(sizes, generator=generator) for name, sizes in listed}
    ours = load_strictly(ViTPose(TINY), as_published(theirs), Path("theirs.pth")).state_dict()
    for own, other in (
        ("backbone.patch_embed.proj.bias", "backbone.patch_embed.projection.bias"),
        ("backbone.blocks.0.norm1.weight", "backbone.layers.0.ln1.weight"),
        ("backbone.blocks.0.norm2.weight", "backbone.layers.0.ln2.weight"),
        ("backbone.blocks.1.attn.qkv.bias", "backbone.layers.1.attn.qkv.bias"),
        ("backbone.blocks.1.attn.proj.bias", "backbone.layers.1.attn.proj.bias"),
        ("backbone.blocks.1.mlp.fc1.weight", "backbone.layers.1.ffn.layers.0.0.weight"),
        ("backbone.blocks.1.mlp.fc2.bias", "backbone.layers.1.ffn.layers.1.bias"),
        ("backbone.last_norm.weight", "backbone.ln1.weight"),
        ("keypoint_head.deconv_layers.4.running_var", "head.deconv_layers.4.running_var"),
        ("keypoint_head.final_layer.bias", "head.final_layer.bias"),
    ):
        torch.testing.assert_close(ours[own], theirs[other], rtol=0, atol=0)
    torch.testing.assert_close(ours["backbone.pos_embed"][:, 1:], theirs["backbone.pos_embed"], rtol=0, atol=0)
    assert not ours["backbone.pos_embed"][:, 0].any()
    assert as_published(ours).keys() == ours.keys()


def test_a_checkpoint_of_17_points_is_refused_in_one_line() -> None:
    listed = mmpose_1(TINY.blocks, TINY.width, TINY.decoder, 17, 12)
    theirs = {name: torch.zeros(sizes) for name, sizes in listed}
    with pytest.raises(WeightError, match=r"final_layer.weight is \[17, 256, 1, 1\] instead of \[5, 256, 1, 1\]"):
        load_strictly(ViTPose(TINY), as_published(theirs), Path("coco.pth"))


def test_it_says_what_the_implementation_of_transformers_says() -> None:
    network = random_network()
    other = reference(TINY, network.state_dict())
    images = torch.rand(2, 3, 64, 48, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        ours, theirs = network(images), other(images).heatmaps
    assert ours.shape == (2, TINY.points, 16, 12) and ours.std() > 1e-2
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def test_the_position_of_the_absent_class_token_is_added_to_every_patch() -> None:
    network = random_network()
    before = answers(network)
    with torch.no_grad():
        shift = network.backbone.pos_embed[:, :1].clone()
        network.backbone.pos_embed[:, :1] = 0
        network.backbone.pos_embed[:, 1:] += shift
    torch.testing.assert_close(answers(network), before, rtol=1e-4, atol=1e-5)
    with torch.no_grad():
        network.backbone.pos_embed[:, 1:] -= shift
    assert not torch.allclose(answers(network), before, atol=1e-3)


def test_a_decoder_of_float32_says_nearly_the_same_of_a_backbone_in_bfloat16() -> None:
    network = random_network()
    exact = answers(network)
    network.bfloat16().keypoint_head.float()
    images = torch.rand(2, 3, 64, 48, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        said = network(images.bfloat16())
    assert said.dtype == torch.float32
    torch.testing.assert_close(said, exact, rtol=0, atol=0.05 * float(exact.std() + exact.abs().max()))

"""ViTPose of transformers: rows on photographs, points where a network that knows them puts them, and the library's own way."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from annotators.cache import WeightError
from annotators.pose import udp
from annotators.pose.vitpose_transformers import VitPoseTransformers
from annotators.weights import standing_in
from schemas.skeletons import WHOLEBODY_FLIP
from tests.annotators.added import photographs_here
from tests.annotators.pose import tiny
from tests.annotators.pose.drawn import gaussians
from tests.annotators.pose.people import dots_are_found, found, person, rows_hold, waves

needs_photographs = pytest.mark.skipif(not photographs_here(), reason="the test photographs are not here")
SIZE, MAP = (48, 64), (12, 16)
BODY = list(WHOLEBODY_FLIP[:17])


def loaded(folder: Path, **settings: Any) -> VitPoseTransformers:
    made = VitPoseTransformers(
        VitPoseTransformers.Settings(**settings), weights=standing_in(VitPoseTransformers.card.weights, folder)
    )
    made.load()
    return made


class Stub(torch.nn.Module):
    """In the network's place: says what ``say`` says of normal pictures."""

    def __init__(self, say: Any) -> None:
        super().__init__()
        self.head = torch.nn.Identity()
        self.say = say

    def forward(self, images: torch.Tensor, dataset_index: Any) -> SimpleNamespace:
        return SimpleNamespace(heatmaps=self.say(images))


@needs_photographs
@pytest.mark.parametrize(("labels", "experts"), [(17, 1), (17, 6), (133, 1)])
def test_rows_on_photographs(tmp_path: Path, labels: int, experts: int) -> None:
    weights = tiny.vitpose(tmp_path / "tiny", labels=labels, experts=experts)
    rows_hold(tmp_path, "vitpose-transformers", weights, range(labels))


@pytest.mark.parametrize("simple", [True, False])
@pytest.mark.parametrize("flip_test", [True, False])
def test_heatmaps_are_those_of_the_library(
    tmp_path: Path, simple: bool, flip_test: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same file and picture through transformers' processor, model and flip: to what rounding the crop to levels costs."""
    import transformers

    folder = tiny.vitpose(tmp_path / "tiny", simple=simple)
    rgb = waves(200, 260)
    box = (90.0, 70.0, 150.0, 150.0)
    processor: Any = transformers.VitPoseImageProcessorPil.from_pretrained(folder)
    model: Any = transformers.VitPoseForPoseEstimation.from_pretrained(folder)
    with torch.inference_mode():
        shown = processor(rgb, boxes=[[[90.0, 70.0, 60.0, 80.0]]], return_tensors="pt")["pixel_values"]
        theirs = model(shown).heatmaps
        if flip_test:
            pairs = torch.tensor([(left, left + 1) for left in range(1, 17, 2)])
            theirs = (theirs + model(shown.flip(3), flip_pairs=pairs).heatmaps) / 2
    annotator = loaded(folder, flip_test=flip_test)
    seen: list[torch.Tensor] = []

    def points(maps: torch.Tensor) -> np.ndarray:
        seen.append(maps)
        return np.zeros((1, 17, 3))

    monkeypatch.setattr(annotator, "points", points)
    annotator.look([annotator.crop(np.array(box)).cut(rgb)])
    torch.testing.assert_close(seen[0], theirs, rtol=0, atol=0.02 * float(theirs.std()))


@pytest.mark.parametrize("box", [(100, 50, 300, 450), (0, 0, 640, 480), (600, 30, 640, 60), (200, 200, 203, 209)])
@pytest.mark.parametrize("flip_test", [False, True])
def test_points_come_back_where_they_are(tmp_path: Path, box: tuple[float, ...], flip_test: bool) -> None:
    """To a hundredth of a pixel of the crop, with and without the mirror image, at borders and for tiny boxes."""
    points = np.random.default_rng(0).uniform((3, 3), (8, 12), (17, 2))
    mirrored = np.column_stack([MAP[0] - 1 - points[:, 0], points[:, 1]])[BODY]
    maps = [torch.from_numpy(gaussians(one, MAP, 1.0)) for one in (points, mirrored)]
    turns = iter([0, 1])
    annotator = loaded(tiny.vitpose(tmp_path / "tiny"), flip_test=flip_test)
    annotator.model = Stub(lambda images: maps[next(turns)].expand(len(images), -1, -1, -1))
    (keypoints,) = found(annotator, np.zeros((480, 640, 3), np.uint8), person(box))
    crop = udp.around(np.array(box), SIZE)
    expected = crop.to_picture(points * [47 / 11, 63 / 15])
    scale = crop.length[0] / (SIZE[0] - 1)
    np.testing.assert_allclose(keypoints[:17, :2], expected, rtol=0, atol=0.01 * scale)
    assert not keypoints[17:].any()


@pytest.mark.parametrize("flip_test", [False, True])
def test_a_dot_in_a_picture_is_found_where_it_is(tmp_path: Path, flip_test: bool) -> None:
    """To a pixel of the heatmap."""

    def brightest(images: torch.Tensor) -> torch.Tensor:
        light = torch.nn.functional.interpolate((images.mean(dim=1, keepdim=True) + 1.5).relu(), MAP[::-1], mode="area")
        return light.expand(-1, 17, -1, -1)

    annotator = loaded(tiny.vitpose(tmp_path / "tiny"), flip_test=flip_test)
    annotator.model = Stub(brightest)
    dots_are_found(annotator, lambda wide: wide / MAP[0])


def test_the_expert_that_is_asked_for_answers(tmp_path: Path) -> None:
    folder = tiny.vitpose(tmp_path / "plus", experts=3)
    rgb = np.random.default_rng(0).integers(0, 256, (90, 120, 3), np.uint8)
    zero, again, two = (found(loaded(folder, expert=expert), rgb, person((10, 10, 50, 80))) for expert in (0, 0, 2))
    np.testing.assert_array_equal(zero, again)
    assert np.abs(zero - two).max() > 1e-3


def test_it_runs_in_16_bits_with_a_head_of_32(tmp_path: Path) -> None:
    annotator = loaded(tiny.vitpose(tmp_path / "tiny"), dtype="bfloat16")
    assert annotator.model.backbone.embeddings.position_embeddings.dtype == torch.bfloat16
    assert annotator.model.head.conv.weight.dtype == torch.float32
    rgb = np.random.default_rng(0).integers(0, 256, (90, 120, 3), np.uint8)
    assert np.isfinite(found(annotator, rgb, person((10, 10, 50, 80)))).all()


def test_other_points_and_experts_that_are_not_there_are_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(WeightError, match="has 16 keypoints: 17 "):
        loaded(tiny.vitpose(tmp_path / "mpii", labels=16))
    with pytest.raises(WeightError, match=r"has 1 experts: set pose\.expert below that"):
        loaded(tiny.vitpose(tmp_path / "one"), expert=1)
    with pytest.raises(WeightError, match="holds a sapiens2 model, not vitpose"):
        loaded(tiny.sapiens2(tmp_path / "sapiens2"))


@pytest.mark.slow
@needs_photographs
@pytest.mark.parametrize(("hidden", "layers", "heads", "experts"), [(768, 12, 12, 1), (1280, 32, 16, 6)])
def test_networks_of_full_size_run(tmp_path: Path, hidden: int, layers: int, heads: int, experts: int) -> None:
    """ViTPose-B and ViTPose+-H with random weights."""
    sizes: Any = {
        "image_size": [256, 192],
        "hidden_size": hidden,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
    }
    part = {1: 256, 6: 320}[experts]
    folder = tiny.vitpose(
        tmp_path / "full", experts=experts, simple=experts == 1, **sizes, part_features=part, out_indices=[layers]
    )
    annotator = loaded(folder)
    rgb = np.random.default_rng(0).integers(0, 256, (300, 400, 3), np.uint8)
    keypoints = found(annotator, rgb, person((10, 10, 150, 280), (200, 50, 390, 290)))
    assert (
        keypoints.shape == (2, 133, 3)
        and np.isfinite(keypoints).all()
        and annotator.crop(np.ones(4)).size == (192, 256)
    )

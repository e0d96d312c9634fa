"""Sapiens2: rows on photographs, its points in their slots and where a network that knows them puts them, as the library."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from annotators.cache import WeightError
from annotators.pose import udp
from annotators.pose.goliath import COUNT, COUNTERPARTS
from annotators.pose.sapiens2 import SLOTS, Sapiens2Pose
from annotators.weights import standing_in
from schemas.skeletons import WHOLEBODY_FLIP
from tests.annotators.added import photographs_here
from tests.annotators.pose import tiny
from tests.annotators.pose.drawn import gaussians
from tests.annotators.pose.people import dots_are_found, found, person, rows_hold, waves

needs_photographs = pytest.mark.skipif(not photographs_here(), reason="the test photographs are not here")
SIZE, MAP = (48, 64), (12, 16)
PAIRS = sorted(
    {
        (min(number, other), max(number, other))
        for slot, number in COUNTERPARTS.items()
        if (other := COUNTERPARTS[WHOLEBODY_FLIP[slot]]) != number
    }
)
"""Numbers of Sapiens' points that are each other's mirror images."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.sapiens2(tmp_path_factory.mktemp("sapiens2") / "tiny")


def loaded(folder: Path, **settings: Any) -> Sapiens2Pose:
    made = Sapiens2Pose(Sapiens2Pose.Settings(**settings), weights=standing_in(Sapiens2Pose.card.weights, folder))
    made.load()
    return made


class Stub(torch.nn.Module):
    """In the network's place: says what ``say`` says of normal pictures."""

    def __init__(self, say: Any) -> None:
        super().__init__()
        self.decode_head = torch.nn.Identity()
        self.say = say

    def forward(self, images: torch.Tensor) -> SimpleNamespace:
        return SimpleNamespace(heatmaps=self.say(images))


@needs_photographs
def test_rows_on_photographs(folder: Path, tmp_path: Path) -> None:
    rows_hold(tmp_path, "sapiens2", folder, SLOTS)


@pytest.mark.parametrize("flip_test", [True, False])
def test_heatmaps_are_those_of_the_library(folder: Path, flip_test: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same file and picture through transformers' processor, model and flip: to what rounding the crop to levels costs."""
    import transformers

    rgb = waves(200, 260)
    processor: Any = transformers.Sapiens2ImageProcessor.from_pretrained(folder)
    model: Any = transformers.Sapiens2ForPoseEstimation.from_pretrained(folder)
    with torch.inference_mode():
        shown = processor(rgb, boxes=[[[90.0, 70.0, 60.0, 80.0]]], return_tensors="pt")["pixel_values"]
        theirs = model(shown).heatmaps
        if flip_test:
            theirs = (theirs + model(shown.flip(3), flip_pairs=torch.tensor(PAIRS)).heatmaps) / 2
    annotator = loaded(folder, flip_test=flip_test)
    seen: list[torch.Tensor] = []

    def points(maps: torch.Tensor) -> np.ndarray:
        seen.append(maps)
        return np.zeros((1, len(SLOTS), 3))

    monkeypatch.setattr(annotator, "points", points)
    annotator.look([annotator.crop(np.array((90.0, 70.0, 150.0, 150.0))).cut(rgb)])
    expected = theirs[:, list(COUNTERPARTS.values())]
    torch.testing.assert_close(seen[0], expected, rtol=0, atol=0.06 * float(theirs.std()))


@pytest.mark.parametrize("box", [(100, 50, 300, 450), (0, 0, 640, 480), (600, 30, 640, 60), (200, 200, 203, 209)])
@pytest.mark.parametrize("flip_test", [False, True])
def test_points_come_back_where_they_are_in_their_slots(folder: Path, box: tuple[float, ...], flip_test: bool) -> None:
    """To a hundredth of a pixel of the crop, with and without the mirror image, at borders and for tiny boxes."""
    points = np.random.default_rng(0).uniform((3, 3), (8, 12), (COUNT, 2))
    swap = np.arange(COUNT)
    for left, right in PAIRS:
        swap[[left, right]] = right, left
    mirrored = np.column_stack([MAP[0] - 1 - points[:, 0], points[:, 1]])[swap]
    maps = [torch.from_numpy(gaussians(one, MAP, 1.0)) for one in (points, mirrored)]
    turns = iter([0, 1])
    annotator = loaded(folder, flip_test=flip_test)
    annotator.model = Stub(lambda images: maps[next(turns)].expand(len(images), -1, -1, -1))
    (keypoints,) = found(annotator, np.zeros((480, 640, 3), np.uint8), person(box))
    crop = udp.around(np.array(box), SIZE)
    for slot, number in COUNTERPARTS.items():
        expected = crop.to_picture(points[number] * [47 / 11, 63 / 15])
        np.testing.assert_allclose(keypoints[slot, :2], expected, rtol=0, atol=0.01 * crop.length[0] / (SIZE[0] - 1))
    assert not np.delete(keypoints, SLOTS, axis=0).any()


@pytest.mark.parametrize("flip_test", [False, True])
def test_a_dot_in_a_picture_is_found_where_it_is(folder: Path, flip_test: bool) -> None:
    """To a pixel of the heatmap."""

    def brightest(images: torch.Tensor) -> torch.Tensor:
        light = torch.nn.functional.interpolate((images.mean(dim=1, keepdim=True) + 1.5).relu(), MAP[::-1], mode="area")
        return light.expand(-1, COUNT, -1, -1)

    annotator = loaded(folder, flip_test=flip_test)
    annotator.model = Stub(brightest)
    dots_are_found(annotator, lambda wide: wide / MAP[0])


def test_it_runs_in_16_bits_with_a_head_of_32(folder: Path) -> None:
    annotator = loaded(folder, dtype="bfloat16")
    assert annotator.model.model.embeddings.cls_token.dtype == torch.bfloat16
    parts = dict(annotator.model.named_buffers())
    assert {parts[name].dtype for name in parts if name.endswith("inv_freq")} == {torch.float32}
    assert annotator.model.decode_head.predictor.weight.dtype == torch.float32
    rgb = np.random.default_rng(0).integers(0, 256, (90, 120, 3), np.uint8)
    assert np.isfinite(found(annotator, rgb, person((10, 10, 50, 80)))).all()


def test_a_network_of_other_points_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(WeightError, match="has 17 keypoints, not Sapiens' 308"):
        loaded(tiny.sapiens2(tmp_path / "coco", labels=17))
    with pytest.raises(WeightError, match="holds a vitpose model, not sapiens2"):
        loaded(tiny.vitpose(tmp_path / "vitpose"))


@pytest.mark.slow
def test_the_network_of_full_size_runs(tmp_path: Path) -> None:
    """Sapiens2-0.4B as its published config has it, with random weights."""
    sizes: Any = {"image_size": [1024, 768], "hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24}
    head = {"upsample_out_channels": [1024, 768], "conv_out_channels": [512, 512, 256]}
    folder = tiny.sapiens2(tmp_path / "full", **sizes, num_attention_heads=16, head_config=head, initializer_range=0.02)
    annotator = loaded(folder, flip_test=False)
    assert 3.5e8 < sum(one.numel() for one in annotator.model.parameters()) < 4.9e8
    keypoints = found(annotator, waves(300, 400), person((10, 10, 150, 280)))
    assert keypoints.shape == (1, 133, 3) and np.isfinite(keypoints).all()
    assert annotator.crop(np.array([0, 0, 10, 10])).size == (768, 1024)

"""ViTPose whole-body: rows on photographs, the person layer's people, and points where a network that knows them puts them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from annotators.base import Picture, Unavailable
from annotators.networks.vitpose import HEATMAP_STRIDE, Shape, ViTPose
from annotators.pose.topdown import around
from annotators.pose.vitpose_wholebody import INPUT, STRIDE, VitPoseWholebody
from annotators.weights import WeightError, standing_in
from humanverse.codec import encode_jpeg
from schemas.skeletons import WHOLEBODY, WHOLEBODY_FLIP
from tests.annotators.added import PHOTOGRAPHS, photographs_here
from tests.annotators.pose.drawn import gaussians
from tests.annotators.pose.people import added, dots_are_found, found, person, rows_hold, with_people

needs_photographs = pytest.mark.skipif(not photographs_here(), reason="the test photographs are not here")
TINY = Shape(width=32, blocks=2, heads=4, decoder=16)
POINTS = len(WHOLEBODY)
MAP = (INPUT[0] // STRIDE, INPUT[1] // STRIDE)


class TinyVitPose(VitPoseWholebody):
    """The same with a tiny network."""

    card = replace(VitPoseWholebody.card, name="tiny-vitpose")

    def network(self) -> Any:
        return ViTPose(TINY)


class Knowing(torch.nn.Module):
    """Says where the points are that it was told, in pixels of the heatmap; it sees by a dark left side whether it is shown the
    mirror image, in which each point is as far from the right as it was from the left, in its counterpart's slot."""

    def __init__(self, points: np.ndarray, height: float = 1.0) -> None:
        super().__init__()
        self.keypoint_head = torch.nn.Identity()
        self.shown: list[torch.Tensor] = []
        mirrored = np.column_stack([MAP[0] - points[:, 0], points[:, 1]])[list(WHOLEBODY_FLIP)]
        self._maps = [torch.from_numpy(height * gaussians(one, MAP)) for one in (points, mirrored)]

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.shown.extend(images)
        half = images.shape[3] // 2
        turned = [bool(one[:, :, :half].mean() > one[:, :, half:].mean()) for one in images]
        return torch.stack([self._maps[one] for one in turned])


class Dots(torch.nn.Module):
    """Says of every point that it is where the crop is brightest."""

    def __init__(self) -> None:
        super().__init__()
        self.keypoint_head = torch.nn.Identity()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        bright = torch.nn.functional.avg_pool2d(images.mean(dim=1, keepdim=True) + 3, 5, stride=STRIDE, padding=2)
        return bright.expand(-1, POINTS, -1, -1)


def with_network(network: torch.nn.Module, **settings: Any) -> VitPoseWholebody:
    """The annotator with another network, loaded."""

    class Other(VitPoseWholebody):
        def build(self) -> Any:
            return network

    made = Other(Other.Settings(**settings))
    made.load()
    return made


def half_bright(height: int, width: int, middle: float) -> np.ndarray:
    """Dark on the left of ``middle``, bright on the right of it."""
    columns = np.where(np.arange(width) < middle, 20, 230).astype(np.uint8)
    return np.broadcast_to(columns[None, :, None], (height, width, 3)).copy()


def quarters(seed: int) -> np.ndarray:
    """(133, 2) points of a heatmap at a quarter of a pixel beside a centre, away from the border."""
    generator = np.random.default_rng(seed)
    whole = generator.integers((4, 4), (MAP[0] - 4, MAP[1] - 4), (POINTS, 2))
    return whole + generator.choice([-0.25, 0.25], (POINTS, 2))


def checkpoint(path: Path, shape: Shape = TINY) -> Path:
    """Random weights, as the published file holds its own."""
    torch.manual_seed(0)
    network = ViTPose(shape)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.15)
    torch.nn.init.normal_(network.backbone.pos_embed)
    torch.save({"state_dict": network.state_dict()}, path)
    return path


def weighed(path: Path, **settings: Any) -> TinyVitPose:
    """The tiny annotator with the weights of a file, loaded."""
    made = TinyVitPose(TinyVitPose.Settings(**settings), weights=standing_in(TinyVitPose.card.weights, path))
    made.load()
    return made


@needs_photographs
def test_rows_on_photographs(tmp_path: Path) -> None:
    rows_hold(tmp_path, f"{__name__}:TinyVitPose", checkpoint(tmp_path / "tiny.pth"), range(POINTS))


@pytest.mark.parametrize("box", [(100, 50, 300, 450), (0, 0, 640, 480), (600, 30, 640, 60), (200, 200, 203, 209)])
@pytest.mark.parametrize("flip_test", [False, True])
def test_points_come_back_where_they_are(box: tuple[float, ...], flip_test: bool) -> None:
    """To a thousandth of a pixel, with and without the mirror image, at borders and for tiny boxes."""
    points, (x0, _, x1, _) = quarters(1), box
    annotator = with_network(Knowing(points), flip_test=flip_test)
    rgb = half_bright(480, 640, (x0 + x1) / 2)
    (keypoints,) = found(annotator, rgb, person(box))
    expected = around(np.array(box), INPUT).to_picture(4 * points)
    np.testing.assert_allclose(keypoints[:, :2], expected, rtol=0, atol=1e-3)
    np.testing.assert_allclose(keypoints[:, 2], np.exp(-(0.25**2) / 4), atol=1e-5)


def test_an_empty_box_has_its_points_in_its_middle() -> None:
    (keypoints,) = found(
        with_network(Knowing(quarters(1)), flip_test=False), half_bright(480, 640, 0), person((9, 7, 9, 7))
    )
    np.testing.assert_allclose(keypoints[:, :2], np.tile([9.5, 7.5], (POINTS, 1)), atol=2e-3)


def test_with_dark_points_need_not_lie_at_quarters() -> None:
    points = np.random.default_rng(0).uniform((10, 10), (38, 54), (POINTS, 2))
    box = (250, 150, 330, 290)
    annotator = with_network(Knowing(points), refinement="dark")
    (keypoints,) = found(annotator, half_bright(480, 640, 290), person(box))
    expected = around(np.array(box), INPUT).to_picture(4 * points)
    np.testing.assert_allclose(keypoints[:, :2], expected, rtol=0, atol=3e-3)


@pytest.mark.parametrize("flip_test", [False, True])
def test_a_dot_in_a_picture_is_found_where_it_is(flip_test: bool) -> None:
    """To a pixel of the heatmap, which is a box's padded width by 48; the mirror image costs an eighth more."""
    dots_are_found(with_network(Dots(), flip_test=flip_test), lambda wide: 0.625 * wide / 48)


def test_the_network_is_shown_imagenets_normal_pictures_and_their_mirror_images() -> None:
    network = Knowing(quarters(0))
    rgb = half_bright(480, 640, 320)
    found(with_network(network), rgb, person((240, 100, 400, 380)))
    plain, mirrored = network.shown
    assert plain.shape == (3, 256, 192)
    dark, bright = (
        (np.array([value] * 3) / 255 - (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225) for value in (20, 230)
    )
    np.testing.assert_allclose(plain[:, 128, 10], dark, atol=0.005)
    np.testing.assert_allclose(plain[:, 128, 180], bright, atol=0.005)
    torch.testing.assert_close(mirrored, plain.flip(2))


def test_confidence_is_the_peak_and_a_map_without_one_says_nothing() -> None:
    rgb, people = half_bright(480, 640, 200), person((100, 50, 300, 450))
    high, low, none = (found(with_network(Knowing(quarters(0), height)), rgb, people)[0] for height in (1.4, 0.5, -1.0))
    assert (high[:, 2] == 1).all()
    np.testing.assert_allclose(low[:, 2], 0.5 * np.exp(-(0.25**2) / 4), atol=1e-5)
    assert not none[(none[:, 2] == 0)].any() and not none[:, 2].any()


def test_people_that_are_hardly_believed_are_not_looked_for_and_keep_their_place() -> None:
    boxes = [(100, 50, 300, 450), (0, 0, 90, 200), (400, 100, 500, 300)]
    network = Knowing(quarters(0))
    annotator = with_network(network, flip_test=False)
    picture = Picture("0", encode_jpeg(half_bright(480, 640, 200), 95))
    (row,) = annotator.annotate([picture], {"person": [person(*boxes, scores=[0.9, 0.29, 0.3])]})
    assert isinstance(row, dict) and len(network.shown) == 2
    assert [set(present) for present in row["present"]] == [{True}, {False}, {True}]
    assert not any(row["keypoints"][1]) and row["scores"][1] == 0 and row["scores"][2] > 0.9


def test_without_people_or_a_person_row_no_picture_is_opened() -> None:
    annotator = with_network(Knowing(quarters(0)))
    failed = {"status": "failed", "reason": "broken", "boxes": None, "scores": None}
    pictures = [Picture("0", b"no jpeg"), Picture("1", b"no jpeg")]
    nobody, lost = annotator.annotate(pictures, {"person": [person(), failed]})
    assert nobody == {"keypoints": [], "present": [], "scores": []}
    assert lost == Unavailable("no person row: broken")


def test_people_of_many_pictures_go_through_together(tmp_path: Path) -> None:
    annotator = weighed(checkpoint(tmp_path / "tiny.pth"), batch_size=8, flip_test=False)
    sizes: list[int] = []
    annotator.model.register_forward_pre_hook(lambda _, inputs: sizes.append(len(inputs[0])))
    noise = np.random.default_rng(0).integers(0, 256, (3, 90, 120, 3), np.uint8)
    pictures = [Picture(str(number), encode_jpeg(rgb, 95)) for number, rgb in enumerate(noise)]
    people = [
        person((10, 10, 50, 80), (30, 0, 120, 90)),
        person(),
        person(*[(5 * n, 5, 60 + 5 * n, 70) for n in range(7)]),
    ]
    together = annotator.annotate(pictures, {"person": people})
    assert sizes == [8, 1]
    alone = [annotator.annotate([one], {"person": [said]})[0] for one, said in zip(pictures, people, strict=True)]
    for one, other in zip(together, alone, strict=True):
        assert isinstance(one, dict) and isinstance(other, dict)
        np.testing.assert_allclose(one["keypoints"], other["keypoints"], rtol=0, atol=1e-4)


def test_it_runs_in_16_bits_with_a_decoder_of_32(tmp_path: Path) -> None:
    annotator = weighed(checkpoint(tmp_path / "tiny.pth"), dtype="bfloat16")
    assert annotator.model.backbone.pos_embed.dtype == torch.bfloat16
    assert annotator.model.keypoint_head.final_layer.weight.dtype == torch.float32
    rgb = np.random.default_rng(0).integers(0, 256, (90, 120, 3), np.uint8)
    assert np.isfinite(found(annotator, rgb, person((10, 10, 50, 80)))).all()


def test_weights_of_another_network_are_refused_in_one_line(tmp_path: Path) -> None:
    body = checkpoint(tmp_path / "body.pth", replace(TINY, points=17))
    with pytest.raises(WeightError, match=r"final_layer.weight is \[17, 16, 1, 1\] instead of \[133, 16, 1, 1\]"):
        weighed(body)


def test_the_network_is_made_for_this_input() -> None:
    assert (Shape().input, Shape().points, HEATMAP_STRIDE) == (INPUT, POINTS, STRIDE)


@pytest.mark.slow
@needs_photographs
def test_the_network_of_full_size_runs(tmp_path: Path) -> None:
    weights = tmp_path / "vitpose-h-wholebody.pth"
    torch.save(VitPoseWholebody().network().state_dict(), weights)
    place = with_people(tmp_path, PHOTOGRAPHS[:1])
    (one,) = added(place, "vitpose-h-wholebody", "full", weights).values()
    assert one.row["status"] == "ok" and [all(present) for present in one.row["present"]] == [True, True, False]

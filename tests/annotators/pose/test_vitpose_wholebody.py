"""ViTPose whole-body: rows on photographs, the person layer's people, and points where a network that knows them puts them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from annotators.base import Annotator, Card, Picture, Row, Unavailable
from annotators.networks.vitpose import HEATMAP_STRIDE, Shape, ViTPose
from annotators.person.boxes import person_row
from annotators.pose.topdown import around
from annotators.pose.vitpose_wholebody import INPUT, STRIDE, VitPoseWholebody
from annotators.weights import WeightError, standing_in
from humanverse.codec import encode_jpeg
from humanverse.dataset.reader import Dataset
from humanverse.dataset.verify import verify
from pipelines.annotate import annotate
from pipelines.plan_layers import Asked
from schemas.layers import KINDS
from schemas.skeletons import WHOLEBODY, WHOLEBODY_FLIP
from tests.annotators.added import PHOTOGRAPHS, Said, alike, photographs_here, place_of, said
from tests.annotators.pose.drawn import gaussians
from tests.pipelines.layers import tables

needs_photographs = pytest.mark.skipif(not photographs_here(), reason="the test photographs are not here")
TINY = Shape(width=32, blocks=2, heads=4, decoder=16)
POINTS = len(WHOLEBODY)
MAP = (INPUT[0] // STRIDE, INPUT[1] // STRIDE)


class ThreePeople(Annotator):
    """A tall person, a wide one at the border, and one that is hardly believed; nobody in pictures higher than wide."""

    card = Card("person", "three", 1, "", "", "", "", "")

    def annotate(self, pictures: Sequence[Picture], needs: Mapping[str, Sequence[Row]]) -> Sequence[Row | Unavailable]:
        return [self._row(*picture.rgb.shape[:2]) for picture in pictures]

    def _row(self, height: int, width: int) -> Row:
        shares = np.array([[0.3, 0.1, 0.5, 0.9], [0.5, 0.6, 1.0, 0.8], [0.1, 0.1, 0.2, 0.3]])
        boxes = shares * [width, height, width, height]
        scores = np.array([0.9, 0.5, 0.2]) if width >= height else np.zeros(3)
        return person_row(boxes, scores, width, height, 0.1)


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


def person(*boxes: Sequence[float], scores: Sequence[float] | None = None) -> Row:
    return {"status": "ok", "reason": None, "boxes": list(boxes), "scores": scores or [1.0] * len(boxes)}


def found(annotator: VitPoseWholebody, rgb: np.ndarray, people: Row) -> np.ndarray:
    """float (people, 133, 3) of one picture."""
    (row,) = annotator.annotate([Picture("0", encode_jpeg(rgb, 98))], {"person": [people]})
    assert isinstance(row, dict)
    return np.array(row["keypoints"]).reshape(-1, POINTS, 3)


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


def added(
    place: Path, weights: Path, name: str, annotator: str = f"{__name__}:TinyVitPose", **settings: Any
) -> dict[str, Said]:
    """The layer ``pose``/``name`` on ``person/three``; all of its rows."""
    asked = Asked({"pose": annotator}, {"pose": name}, {"pose": settings}, weights=[("pose", str(weights))])
    assert annotate(str(place), asked, local=True).lost == {}
    return said(place, f"pose/{name}")


def with_people(folder: Path, names: Sequence[str] = PHOTOGRAPHS) -> Path:
    """A dataset of photographs with the layer ``person/three``."""
    place = place_of(folder, names)
    assert annotate(str(place), Asked({"person": f"{__name__}:ThreePeople"}), local=True).lost == {}
    return place


@needs_photographs
def test_rows_on_photographs(tmp_path: Path) -> None:
    weights, place = checkpoint(tmp_path / "tiny.pth"), with_people(tmp_path)
    rows = added(place, weights, "one", batch_size=1)
    before = tables(place, "pose/one")
    for path in (place / "layers" / "pose" / "one").glob("000001.*"):
        path.unlink()
    added(place, weights, "one", batch_size=1)
    assert tables(place, "pose/one") == before
    alike(rows, added(place, weights, "eight", batch_size=8))
    dataset = Dataset(str(place))
    assert dataset.layer("pose/one", 0).schema.remove_metadata() == KINDS["pose"].schema
    assert [
        one for one in verify(dataset).findings if one.path.startswith(("layers/pose/one/", "layers/pose/eight/"))
    ] == []
    people = said(place, "person/three")
    counts = [len(one.row["boxes"]) for one in people.values()]
    assert len(rows) == len(PHOTOGRAPHS) and 0 in counts and counts.count(3) >= 2
    for uid, one in rows.items():
        assert one.row["status"] == "ok"
        assert [all(present) for present in one.row["present"]] == [True, True, False][: len(people[uid].row["boxes"])]


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
    annotator = with_network(Dots(), flip_test=flip_test)
    for x, y in ((150, 200), (260, 90), (311, 407)):
        rgb = np.zeros((480, 640, 3), np.uint8)
        rgb[y - 4 : y + 4, x - 4 : x + 4] = 255
        (keypoints,) = found(annotator, rgb, person((100, 50, 350, 450)))
        spread = 1.25 * 300 / 48
        assert np.abs(keypoints[:, :2] - (x, y)).max() < 0.625 * spread


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
    (one,) = added(place, weights, "full", "vitpose-h-wholebody").values()
    assert one.row["status"] == "ok" and [all(present) for present in one.row["present"]] == [True, True, False]

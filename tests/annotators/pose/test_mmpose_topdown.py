"""MMPose as it is: rows on photographs, the same points as ours with the same weights, and the way of crops through codecs."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from annotators.base import Picture, Row, Unavailable
from annotators.mmpose.configs import DEFAULT
from annotators.pose.mmpose_topdown import MMPoseTopdown
from annotators.pose.topdown import around
from annotators.pose.vitpose_wholebody import INPUT, STRIDE, VitPoseWholebody
from annotators.weights import standing_in
from humanverse.codec import encode_jpeg
from tests.annotators.added import PHOTOGRAPHS, alike, photographs_here
from tests.annotators.mmpose.tiny import (
    HRNET,
    RTMPOSE,
    VITPOSE,
    config,
    loaded,
    needs_mmpose,
    vitpose,
    vitpose_network,
    weights,
)
from tests.annotators.photographs import photograph
from tests.annotators.pose.drawn import gaussians
from tests.annotators.pose.people import POINTS, ThreePeople, added, found, person, rows_hold, with_people

pytestmark = needs_mmpose
needs_photographs = pytest.mark.skipif(not photographs_here(), reason="the test photographs are not here")
MAP = (INPUT[0] // STRIDE, INPUT[1] // STRIDE)
SEEN: Mapping[str, int] = {VITPOSE: 133, HRNET: 17, RTMPOSE: 133}
DARK = np.zeros((480, 640, 3), np.uint8)
BOXES = [(100, 50, 300, 450), (0, 0, 640, 480), (600, 30, 640, 60), (200, 200, 203, 209), (9, 7, 9, 7)]
UDP = """
codec = dict(type="UDPHeatmap", input_size=(192, 256), heatmap_size=(48, 64), sigma=2)
model["head"]["decoder"] = dict(_delete_=True, **codec)
test_dataloader = dict(dataset=dict(pipeline=[
    dict(type="LoadImage"),
    dict(type="GetBBoxCenterScale"),
    dict(type="TopdownAffine", input_size=(192, 256), use_udp=True),
    dict(type="PackPoseInputs"),
]))
"""


class Ours(VitPoseWholebody):
    """Our own ViTPose with a tiny network."""

    card = replace(VitPoseWholebody.card, name="tiny-vitpose")

    def network(self) -> Any:
        return vitpose_network()


def tiny(folder: Path, name: str, more: str = "", **settings: Any) -> MMPoseTopdown:
    """The annotator with the tiny version of a config, loaded."""
    path = config(folder, name, more)
    return loaded(path, weights(folder / f"{name}.pth", path), **settings)


def quarters(seed: int) -> np.ndarray:
    """(133, 2) points of a heatmap at a quarter of a pixel beside a centre, away from the border."""
    generator = np.random.default_rng(seed)
    whole = generator.integers((4, 4), (MAP[0] - 4, MAP[1] - 4), (POINTS, 2))
    return whole + generator.choice([-0.25, 0.25], (POINTS, 2))


@needs_photographs
@pytest.mark.parametrize("name", SEEN)
def test_rows_on_photographs(tmp_path: Path, name: str) -> None:
    path = config(tmp_path, name)
    rows_hold(tmp_path, "mmpose", weights(tmp_path / "tiny.pth", path), range(SEEN[name]), config=str(path))


@needs_photographs
@pytest.mark.parametrize("flip_test", [True, False])
def test_the_same_points_as_ours_with_the_same_weights(tmp_path: Path, flip_test: bool) -> None:
    """To a thousandth of a pixel, but for points at the border of their heatmap: MMPose 1.x moves these along it by a quarter of
    its pixel, and MMPose 0.x, as ours, does not."""
    held = vitpose(tmp_path / "vitpose.pth")
    ours = Ours(Ours.Settings(flip_test=flip_test), weights=standing_in(Ours.card.weights, held))
    ours.load()
    theirs = loaded(config(tmp_path, VITPOSE), held, flip_test=flip_test)
    compared = 0
    for name in PHOTOGRAPHS[:3]:
        picture = photograph(name)
        people = {"status": "ok", "reason": None, **_row_of_three(picture)}
        boxes = [np.array(box) for box in people["boxes"][:2]]
        one, other = (found(annotator, picture.rgb, people) for annotator in (ours, theirs))
        assert not one[2].any() and not other[2].any()
        for box, mine, yours in zip(boxes, one, other, strict=False):
            np.testing.assert_allclose(mine[:, 2], yours[:, 2], rtol=0, atol=1e-4)
            spread = around(box, INPUT).scale * 4
            at = around(box, INPUT).to_crop(mine[:, :2]) / 4
            inner = ((at > 1.6) & (at < np.array(MAP) - 2.6)).all(axis=1) & (mine[:, 2] > 0)
            np.testing.assert_allclose(mine[inner, :2], yours[inner, :2], rtol=0, atol=1e-3)
            assert np.abs(mine[:, :2] - yours[:, :2]).max() <= 0.251 * spread
            compared += inner.sum()
    assert compared > 150


def _row_of_three(picture: Picture) -> Row:
    (row,) = ThreePeople().annotate([picture], {})
    assert isinstance(row, dict)
    return row


@needs_photographs
@pytest.mark.parametrize("name", [HRNET, RTMPOSE])
def test_the_same_points_as_mmposes_own_inference(tmp_path: Path, name: str) -> None:
    """As ``inference_topdown`` says them, but for the half pixel between its frame and the layer's."""
    annotator = tiny(tmp_path, name, batch_size=8)
    inference = mmposes_inference()
    model, picture = annotator.model.model, photograph(PHOTOGRAPHS[0])
    model.cfg = inference.Config.fromfile(tmp_path / f"tiny-{name}.py")
    model.dataset_meta = inference.dataset_meta_from_config(model.cfg, "test")
    boxes = np.array([[10.5, 20.25, 150.0, 200.0], [-5.0, 30.0, 90.0, 80.0]])
    (said,) = annotator.look_at([picture], [boxes])
    for mine, theirs in zip(said, inference.inference_topdown(model, picture.rgb[:, :, ::-1], boxes), strict=True):
        instances = theirs.pred_instances
        scored = instances.keypoint_scores[0] > 0
        np.testing.assert_allclose(mine[scored, :2], instances.keypoints[0][scored] + 0.5, rtol=0, atol=1e-3)
        np.testing.assert_allclose(mine[scored, 2], instances.keypoint_scores[0][scored].clip(0, 1), rtol=0, atol=1e-5)


def mmposes_inference() -> Any:
    """``mmpose.apis.inference`` by itself: its package draws as well, and wants matplotlib."""
    (package,) = importlib.import_module("mmpose").__path__
    spec = importlib.util.spec_from_file_location("inference", Path(package) / "apis" / "inference.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def ramps(height: int, width: int) -> np.ndarray:
    """uint8 (height, width, 3): red is the column's number, green the row's, blue neither."""
    rows, columns = np.mgrid[:height, :width]
    return np.dstack([columns, rows, np.full_like(rows, 7)]).astype(np.uint8)


@pytest.mark.parametrize(("name", "more"), [(VITPOSE, ""), (VITPOSE, UDP), (HRNET, ""), (RTMPOSE, "")])
def test_a_point_is_where_the_crop_shows_it(tmp_path: Path, name: str, more: str) -> None:
    """The pixel of the crop in which a point is found shows the picture's pixel that the point is then said to be in."""
    annotator = tiny(tmp_path, name, more, flip_test=False)
    estimator, rgb = annotator.model, ramps(240, 250)
    for box in ((70, 60, 150, 180), (81, 90, 140, 130)):
        tensor, sample = estimator.prepared(np.ascontiguousarray(rgb[:, :, ::-1]), np.array(box))
        blue, green, red = tensor.numpy()
        assert tensor.shape == (3, 256, 192) and (blue == 7).all()
        asked = np.array([[45.0, 61.0], [151.0, 201.0], [97.0, 129.0]])
        saying(estimator, np.resize(asked, (len(estimator.points), 2)))
        (points,) = estimator(tensor[None].float(), [sample])
        for (x, y), (column, row, _) in zip(asked, points, strict=False):
            assert abs(red[int(y), int(x)] - column) < 0.7 and abs(green[int(y), int(x)] - row) < 0.7


def saying(estimator: Any, points: np.ndarray) -> None:
    """Has the head say that the points are at some places in the crop, in its pixels, as the codec writes it down."""
    codec = estimator.model.head.decoder
    heads = {"MSRAHeatmap": _as_maps, "UDPHeatmap": _as_maps, "SimCCLabel": _as_vectors}
    spoken = heads[type(codec).__name__](codec, points)
    estimator.model.head.forward = lambda features: spoken


def _as_maps(codec: Any, points: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(gaussians(points / codec.scale_factor, codec.heatmap_size))[None]


def _as_vectors(codec: Any, points: np.ndarray) -> tuple[torch.Tensor, ...]:
    drawn = codec.encode(points[None])
    return torch.from_numpy(drawn["keypoint_x_labels"]), torch.from_numpy(drawn["keypoint_y_labels"])


@pytest.mark.parametrize(("name", "points"), [(VITPOSE, 4 * quarters(1)), (RTMPOSE, np.round(8 * quarters(1)) / 2)])
def test_points_come_back_where_they_are(tmp_path: Path, name: str, points: np.ndarray) -> None:
    """To a thousandth of a pixel, at borders, for tiny boxes and for an empty one."""
    annotator = tiny(tmp_path, name, flip_test=False, batch_size=1)
    saying(annotator.model, points)
    for box, keypoints in zip(BOXES, found(annotator, DARK, person(*BOXES)), strict=True):
        empty = box[0] == box[2]
        crop = around(np.array(box) + np.array([-0.5, -0.5, 0.5, 0.5]) * empty, INPUT)
        np.testing.assert_allclose(keypoints[:, :2], crop.to_picture(points), rtol=0, atol=1e-3, err_msg=str(box))
        assert (keypoints[:, 2] > 0.8).all()


def test_points_of_unbiased_crops_come_back_through_the_codec(tmp_path: Path) -> None:
    """UDP counts from the first pixel's centre to the last one's, in the crop and in the heatmap."""
    annotator = tiny(tmp_path, VITPOSE, UDP, flip_test=False, batch_size=1)
    points = np.random.default_rng(0).uniform((20, 20), (170, 230), (POINTS, 2))
    saying(annotator.model, points)
    for box, keypoints in zip(BOXES[:3], found(annotator, DARK, person(*BOXES[:3])), strict=True):
        crop = around(np.array(box), INPUT)
        seen = crop.scale * np.array(INPUT)
        expected = (crop.x, crop.y) - seen / 2 + points / (np.array(INPUT) - 1) * seen + 0.5
        np.testing.assert_allclose(keypoints[:, :2], expected, rtol=0, atol=2e-3 * STRIDE * crop.scale)


def test_the_17_body_points_are_in_their_slots_and_the_others_are_not_there(tmp_path: Path) -> None:
    annotator = tiny(tmp_path, HRNET, flip_test=False)
    points = 4 * quarters(3)[:17]
    saying(annotator.model, points)
    picture = Picture("0", encode_jpeg(DARK, 95))
    (row,) = annotator.annotate([picture], {"person": [person(BOXES[0])]})
    assert isinstance(row, dict)
    keypoints = np.array(row["keypoints"]).reshape(POINTS, 3)
    np.testing.assert_allclose(keypoints[:17, :2], around(np.array(BOXES[0]), INPUT).to_picture(points), atol=1e-3)
    assert row["present"] == [[True] * 17 + [False] * 116] and not keypoints[17:].any()
    assert row["scores"][0] == pytest.approx(keypoints[:17, 2].mean())


def test_a_point_without_a_score_is_zeros_and_confidence_ends_at_one(tmp_path: Path) -> None:
    annotator = tiny(tmp_path, VITPOSE, flip_test=False)
    maps = torch.from_numpy(gaussians(quarters(2), MAP))[None] * 1.5
    maps[:, 0] = -0.1
    annotator.model.model.head.forward = lambda features: maps
    (keypoints,) = found(annotator, DARK, person(BOXES[0]))
    assert not keypoints[0].any() and (keypoints[1:, 2] == 1).all()


def test_people_that_are_hardly_believed_keep_their_place(tmp_path: Path) -> None:
    annotator = tiny(tmp_path, VITPOSE, flip_test=False)
    picture = Picture("0", encode_jpeg(DARK, 95))
    (row,) = annotator.annotate([picture], {"person": [person(*BOXES[:3], scores=[0.9, 0.29, 0.3])]})
    assert isinstance(row, dict)
    assert [set(present) for present in row["present"]] == [{True}, {False}, {True}]
    assert not any(row["keypoints"][1])


def test_without_people_or_a_person_row_no_picture_is_opened(tmp_path: Path) -> None:
    annotator = tiny(tmp_path, VITPOSE)
    failed = {"status": "failed", "reason": "broken", "boxes": None, "scores": None}
    nobody, lost = annotator.annotate(
        [Picture("0", b"no jpeg"), Picture("1", b"no jpeg")], {"person": [person(), failed]}
    )
    assert nobody == {"keypoints": [], "present": [], "scores": []}
    assert lost == Unavailable("no person row: broken")


def test_people_of_many_pictures_go_through_together(tmp_path: Path) -> None:
    annotator = tiny(tmp_path, RTMPOSE, batch_size=8, flip_test=False)
    sizes: list[int] = []
    annotator.model.model.backbone.register_forward_pre_hook(lambda _, inputs: sizes.append(len(inputs[0])))
    noise = np.random.default_rng(0).integers(0, 256, (2, 90, 120, 3), np.uint8)
    pictures = [Picture(str(number), encode_jpeg(rgb, 95)) for number, rgb in enumerate(noise)]
    people = [person((10, 10, 50, 80), (30, 0, 120, 90)), person(*[(5 * n, 5, 60 + 5 * n, 70) for n in range(7)])]
    together = annotator.annotate(pictures, {"person": people})
    assert sizes == [8, 1]
    for picture, row, one in zip(pictures, people, together, strict=True):
        (alone,) = annotator.annotate([picture], {"person": [row]})
        assert isinstance(one, dict) and isinstance(alone, dict)
        np.testing.assert_allclose(one["keypoints"], alone["keypoints"], rtol=0, atol=1e-3)


@pytest.mark.parametrize("name", SEEN)
def test_it_runs_in_16_bits_with_its_head_and_its_mean_in_32(tmp_path: Path, name: str) -> None:
    annotator = tiny(tmp_path, name, dtype="bfloat16")
    model = annotator.model.model
    assert {one.dtype for one in model.backbone.parameters()} == {torch.bfloat16}
    assert {one.dtype for one in model.head.parameters()} == {torch.float32}
    assert model.data_preprocessor.mean.flatten().tolist() == pytest.approx([123.675, 116.28, 103.53], rel=1e-6)
    rgb = np.random.default_rng(0).integers(0, 256, (90, 120, 3), np.uint8)
    halves, whole = (found(one, rgb, person((10, 10, 50, 80))) for one in (annotator, tiny(tmp_path, name)))
    np.testing.assert_allclose(halves[..., 2], whole[..., 2], rtol=0, atol=0.05)


@pytest.mark.slow
def test_a_compiled_model_says_the_same(tmp_path: Path) -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (90, 120, 3), np.uint8)
    compiled, usual = (
        found(tiny(tmp_path, VITPOSE, compile=on), rgb, person((10, 10, 50, 80), (30, 0, 120, 90)))
        for on in (True, False)
    )
    np.testing.assert_allclose(compiled, usual, rtol=0, atol=1e-3)


def test_the_config_decides_about_the_flip_test_unless_it_is_set(tmp_path: Path) -> None:
    path = config(tmp_path, VITPOSE)
    held = weights(tmp_path / "tiny.pth", path)
    passes = {None: 2, True: 2, False: 1}
    for asked, expected in passes.items():
        seen: list[torch.Tensor] = []
        annotator = loaded(path, held, flip_test=asked)
        annotator.model.model.backbone.register_forward_pre_hook(lambda _, inputs, seen=seen: seen.append(inputs[0]))
        found(annotator, np.zeros((90, 120, 3), np.uint8), person((10, 10, 50, 80)))
        assert len(seen) == expected
    never = config(tmp_path, VITPOSE, 'model["test_cfg"] = dict(flip_test=False)')
    assert loaded(never, held).model.model.test_cfg["flip_test"] is False


@pytest.mark.slow
@needs_photographs
@pytest.mark.parametrize(
    "name",
    [
        DEFAULT,
        "td-hm_hrnet-w32_8xb64-210e_coco-wholebody-256x192",
        RTMPOSE,
        "rtmpose-x_8xb32-270e_coco-wholebody-384x288",
        "rtmw-m_8xb1024-270e_cocktail14-256x192",
        "rtmw-l_8xb320-270e_cocktail14-384x288",
    ],
)
def test_models_of_full_size_run(tmp_path: Path, name: str) -> None:
    place = with_people(tmp_path, PHOTOGRAPHS[:1])
    held = weights(tmp_path / "full.pth", name)
    (one,) = added(place, "mmpose", "one", held, config=name, batch_size=1).values()
    assert one.row["status"] == "ok" and [all(present) for present in one.row["present"]] == [True, True, False]
    (eight,) = added(place, "mmpose", "eight", held, config=name, batch_size=8).values()
    alike({"0": one}, {"0": eight})

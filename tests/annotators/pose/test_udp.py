"""Unbiased crops and heatmaps: the positions and the answers of transformers' own processors, there and back, and at borders."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from annotators.pose import udp
from humanverse.torchvision_operators import prepare_torchvision
from tests.annotators.pose.drawn import gaussians

prepare_torchvision()

SIZE = (96, 128)
MAP = (24, 32)
BOXES = [(30, 20, 120, 200), (100, 50, 318, 90), (40, 60, 70, 90), (-20, 100, 70, 260)]
"""In a picture of 320 x 240; the third one's crop lies inside it."""


def processors() -> dict[str, tuple[Any, bool, Any, float]]:
    """By name: transformers' processor, whether it is cubic, our smoothing, and the deviation of the Gaussians it is made for."""
    from transformers import Sapiens2ImageProcessor, VitPoseImageProcessorPil

    size = {"height": SIZE[1], "width": SIZE[0]}
    return {
        "vitpose": (VitPoseImageProcessorPil(size=size), False, udp.smoothed_as_scipy, 2.0),
        "sapiens2": (Sapiens2ImageProcessor(size=size), True, udp.smoothed_as_cv2, 2.0),
    }


def as_coco(box: tuple[float, ...]) -> list[float]:
    return [box[0], box[1], box[2] - box[0], box[3] - box[1]]


@pytest.mark.parametrize("name", ["vitpose", "sapiens2"])
def test_crops_are_those_of_transformers(name: str) -> None:
    """Within a level of 255, but for the line where the picture ends and the libraries differ in how they go on."""
    processor, smooth, _, _ = processors()[name]
    noise = np.random.default_rng(0).integers(0, 256, (240, 320, 3), np.uint8)
    rgb = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 3), None, 40, 200, cv2.NORM_MINMAX)  # type: ignore[call-overload]
    theirs = processor(rgb, boxes=[[as_coco(box) for box in BOXES]], return_tensors="pt")["pixel_values"]
    for box, their in zip(BOXES, theirs, strict=True):
        crop = udp.around(np.array(box, float), SIZE, smooth)
        shown = (their.permute(1, 2, 0).numpy() * processor.image_std + processor.image_mean) * 255
        far = np.abs(crop.cut(rgb) - shown).max(axis=2)
        corners = crop.to_crop(np.array([(0.5, 0.5), (319.5, 239.5)]))
        x, y = np.meshgrid(np.arange(SIZE[0]), np.arange(SIZE[1]))
        ends = [
            np.abs(axis - edge) < 1.5 / crop._scale.min()
            for axis, edges in ((x, 0), (y, 1))
            for edge in corners[:, edges]
        ]
        assert far[~np.any(ends, axis=0)].max() < 2
        assert box != BOXES[2] or far.max() < 2


@pytest.mark.parametrize("name", ["vitpose", "sapiens2"])
def test_points_are_those_of_transformers(name: str) -> None:
    """To a thousandth of a pixel of the picture, also for points at the border and for weak ones."""
    processor, smooth, smoothed, deviation = processors()[name]
    generator = np.random.default_rng(1)
    points = generator.uniform((0, 0), (MAP[0] - 1, MAP[1] - 1), (len(BOXES), 17, 2))
    points[:, 0], points[:, 1] = (0.2, 0.3), (MAP[0] - 1.2, MAP[1] - 1.1)
    heights = generator.uniform(0.2, 1, (17, 1, 1)).astype(np.float32)
    maps = torch.from_numpy(np.stack([heights * gaussians(one, MAP, deviation) for one in points]))
    theirs = processor.post_process_pose_estimation(SimpleNamespace(heatmaps=maps), boxes=[list(map(as_coco, BOXES))])[
        0
    ]
    for box, our, their in zip(BOXES, udp.points_of(maps, SIZE, smoothed), theirs, strict=True):
        placed = udp.around(np.array(box, float), SIZE, smooth).to_picture(our[:, :2])
        np.testing.assert_allclose(placed - 0.5, their["keypoints"], rtol=0, atol=1e-3)
        np.testing.assert_allclose(our[:, 2], their["scores"], atol=1e-6)


@pytest.mark.parametrize("smoothed", [udp.smoothed_as_scipy, udp.smoothed_as_cv2])
def test_the_top_of_a_gaussian_is_found(smoothed: Any) -> None:
    points = np.random.default_rng(0).uniform((7, 7), (MAP[0] - 8, MAP[1] - 8), (100, 2))
    (said,) = udp.points_of(torch.from_numpy(gaussians(points, MAP))[None], SIZE, smoothed)
    scale = np.array([95 / 23, 127 / 31])
    np.testing.assert_allclose(said[:, :2] / scale, points, rtol=0, atol=2e-3)


@pytest.mark.parametrize(
    "box", [(10, 20, 110, 320), (5, 5, 6, 6), (5, 5, 5, 5), (0, 3, 4000, 3.001), (-7, -9, 900, 1200)]
)
def test_positions_go_there_and_back(box: tuple[float, ...]) -> None:
    crop = udp.around(np.array(box), SIZE)
    points = np.random.default_rng(0).uniform(-50, 5000, (100, 2))
    np.testing.assert_allclose(crop.to_picture(crop.to_crop(points)), points, rtol=0, atol=1e-6)
    assert crop.cut(np.zeros((40, 60, 3), np.uint8)).shape == (128, 96, 3)


def test_a_box_is_padded_on_all_sides() -> None:
    crop = udp.around(np.array([100.0, 200, 250, 400]), SIZE)
    first, last = crop.to_picture(np.array([0, 0])), crop.to_picture(np.array([95, 127]))
    np.testing.assert_allclose(last - first, [1.25 * 150, 1.25 * 200])
    np.testing.assert_allclose((first + last) / 2, (175.5, 300.5))


def test_what_lies_outside_the_picture_is_black() -> None:
    crop = udp.UdpCrop(0, 50, (95, 127), SIZE)
    shown = crop.cut(np.full((100, 100, 3), 200, np.uint8))
    assert not shown[:, :47].any() and not shown[:13].any() and not shown[115:].any()
    assert (shown[14:113, 48:] == 200).all()


def test_a_mirrored_crop_has_its_points_exactly_where_they_were() -> None:
    swap = (1, 0, 2)
    points = np.random.default_rng(0).uniform((6, 6), (17, 25), (3, 2))
    mirrored = np.column_stack([MAP[0] - 1 - points[:, 0], points[:, 1]])[list(swap)]
    back = udp.mirrored_back(torch.from_numpy(gaussians(mirrored, MAP))[None], swap)
    np.testing.assert_allclose(back[0], gaussians(points, MAP), atol=1e-6)


def test_a_map_without_a_peak_says_zeros_and_a_high_one_is_clipped() -> None:
    (high,) = gaussians(np.array([[9.0, 9.0]]), MAP)
    maps = torch.from_numpy(np.stack([np.zeros_like(high), np.full_like(high, -0.1), 1.7 * high]))
    (said,) = udp.points_of(maps[None], SIZE, udp.smoothed_as_cv2)
    assert not said[:2].any() and said[2, 2] == 1


@pytest.mark.parametrize("smoothed", [udp.smoothed_as_scipy, udp.smoothed_as_cv2])
def test_no_step_leads_far_from_the_peak(smoothed: Any) -> None:
    """Noise has no Gaussian, and the formula alone would go anywhere; flat maps have no slope to follow."""
    noise = torch.rand(4, 200, 32, 24, generator=torch.Generator().manual_seed(0))
    said = udp.points_of(noise, SIZE, smoothed)[..., :2] / (95 / 23, 127 / 31)
    at = noise.flatten(2).argmax(dim=2).numpy()
    assert np.isfinite(said).all() and np.abs(said - np.stack([at % 24, at // 24], axis=2)).max() <= 2
    flat = udp.points_of(torch.full((1, 1, 32, 24), 0.5), SIZE, smoothed)
    assert np.isfinite(flat).all()


def test_nobody_has_no_points() -> None:
    for smoothed in (udp.smoothed_as_scipy, udp.smoothed_as_cv2):
        assert udp.points_of(torch.zeros(0, 17, 32, 24), SIZE, smoothed).shape == (0, 17, 3)

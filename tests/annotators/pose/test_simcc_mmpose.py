"""SimCC networks as ONNX files against MMPose itself: the same network, exported, says the same of the same people."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from annotators.pose.mmpose_topdown import MMPoseTopdown
from annotators.pose.simcc_onnx import DwPose
from annotators.weights import standing_in
from tests.annotators.mmpose.tiny import RTMPOSE, config, needs_mmpose, weights
from tests.annotators.pose.people import found, person, waves

pytestmark = needs_mmpose
BOXES = [(60, 20, 150, 190), (0, 0, 260, 200), (230, 10, 260, 60), (100, 100, 109, 120), (-30, 50, 90, 260)]


class Plain(torch.nn.Module):
    """What MMPose's deployment tool exports of a model: columns and rows of normal pictures."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, pictures: torch.Tensor) -> Any:
        return self.model.head(self.model.extract_feat(pictures))


def by_mmpose(config_of_it: Path | str, folder: Path) -> MMPoseTopdown:
    """A config's model with random weights, run by MMPose without its flip test."""
    held = weights(folder / "weights.pth", config_of_it)
    settings = MMPoseTopdown.Settings(config=str(config_of_it), flip_test=False)
    made = MMPoseTopdown(settings, weights=standing_in(MMPoseTopdown.card.weights, held))
    made.load()
    return made


def exported(theirs: MMPoseTopdown, size: tuple[int, int], path: Path) -> DwPose:
    """Ours, with the network of theirs as an ONNX file for crops of ``size``, any number of them."""
    names = ("input", "simcc_x", "simcc_y")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Plain(theirs.model.model).eval(),
            (torch.zeros(1, 3, size[1], size[0]),),
            str(path),
            dynamo=False,
            input_names=names[:1],
            output_names=names[1:],
            dynamic_axes={name: {0: "batch"} for name in names},
        )
    made = DwPose(weights=standing_in(DwPose.card.weights, path))
    made.load()
    return made


def check_alike(theirs: MMPoseTopdown, ours: DwPose) -> None:
    """Of the same people the same points, to a thousandth of a pixel; a hundredth of them may be a tie that rounding decides."""
    rgb = waves(200, 260)
    expected, said = (found(one, rgb, person(*BOXES)) for one in (theirs, ours))
    steps = np.abs(said - expected).max(axis=2)
    assert (steps < 1e-3).mean() > 0.99, np.sort(steps.ravel())[-20:]
    assert len(np.unique(expected[..., :2].round(1))) > 100


def test_a_tiny_rtmpose_says_what_it_says_in_mmpose(tmp_path: Path) -> None:
    theirs = by_mmpose(config(tmp_path, RTMPOSE), tmp_path)
    check_alike(theirs, exported(theirs, (192, 256), tmp_path / "tiny.onnx"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("rtmpose-l_8xb32-270e_coco-wholebody-384x288", 134_383_000),
        ("rtmw-l_8xb320-270e_cocktail14-384x288", 229_291_000),
    ],
)
def test_networks_of_full_size_say_what_they_say_in_mmpose(tmp_path: Path, name: str, size: int) -> None:
    """DWPose-l, which is an RTMPose-l, and RTMW-l, as large as the published files."""
    theirs = by_mmpose(name, tmp_path)
    ours = exported(theirs, (288, 384), tmp_path / "full.onnx")
    assert (tmp_path / "full.onnx").stat().st_size == pytest.approx(size, rel=0.01)
    check_alike(theirs, ours)

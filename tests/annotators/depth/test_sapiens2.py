"""Depth out of Sapiens2's points: rows on photographs, and a network of known output."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from annotators.base import Picture
from annotators.depth.sapiens2 import Sapiens2Depth
from annotators.weights import standing_in
from humanverse.codec import encode_jpeg
from tests.annotators.added import add, holds, photographs_here
from tests.annotators.segmentation import tiny
from tests.annotators.torch.test_sapiens2 import said

needs_photographs = pytest.mark.skipif(not photographs_here(), reason="the test photographs are not here")


@needs_photographs
@pytest.mark.parametrize(("scale", "kind", "unit"), [(True, "metric", "m"), (False, "relative", None)])
def test_rows_on_photographs(tmp_path: Path, scale: bool, kind: str, unit: str | None) -> None:
    parts = tiny.segformer(tmp_path / "parts")

    def people(place: Path) -> None:
        add(place, "segmentation", "segformer-clothes", "parts", [parts])

    model = tiny.sapiens2_points(tmp_path / "model", scale)
    for one in holds(tmp_path, "depth", "sapiens2", [model], needed=people).values():
        assert (one.row["depth_kind"], one.row["unit"], one.row["map_box"]) == (kind, unit, [0, 0, *one.size])
        assert one.map is not None and not (one.map <= 0).any()


class Points(torch.nn.Module):
    """Says points two units away on the left of what it is shown, behind the camera on the right, and the scale 0.5."""

    config = SimpleNamespace(head_config=SimpleNamespace(scale_conv_out_channels=[1]))

    def forward(self, pixel_values: torch.Tensor) -> Any:
        batch, _, height, width = pixel_values.shape
        points = torch.full((batch, 3, height, width), 7.0)
        points[:, 2, :, : width // 2], points[:, 2, :, width // 2 :] = 2, -1
        return SimpleNamespace(pointmaps=points, scales=torch.full((batch, 1), 0.5))


class PointsDepth(Sapiens2Depth):
    """The same with a network of known output."""

    def build(self) -> Any:
        super().build()
        return Points()


def test_depth_is_z_over_the_scale_and_what_lies_behind_the_camera_is_none(tmp_path: Path) -> None:
    made = tiny.sapiens2_points(tmp_path / "model")
    annotator = PointsDepth(weights=standing_in(Sapiens2Depth.card.weights, made))
    annotator.load()
    shown = Picture("0", encode_jpeg(np.full((300, 640, 3), 200, np.uint8), 90))
    everywhere = said(np.ones((8, 8), np.uint8), [0.0, 0.0, 640.0, 300.0])
    (row,) = annotator.annotate([shown], {"segmentation": [everywhere]})
    assert isinstance(row, dict)
    width = row["map"].shape[1]
    assert (row["map"][:, : width // 2] == 4).all() and np.isnan(row["map"][:, width // 2 :]).all()

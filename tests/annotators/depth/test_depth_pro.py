"""Depth Pro: rows on photographs, and metres as its owners make them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from annotators.depth.depth_pro import DepthPro
from annotators.weights import standing_in
from tests.annotators.added import PHOTOGRAPHS, add, holds, photographs_here, place_of
from tests.annotators.depth import tiny


@pytest.mark.skipif(not photographs_here(), reason="the test photographs are not here")
def test_rows_on_photographs(tmp_path: Path) -> None:
    rows = holds(tmp_path, "depth", "depth-pro", [tiny.depth_pro(tmp_path / "model")])
    for one in rows.values():
        assert (one.row["depth_kind"], one.row["unit"], one.row["map_box"]) == ("metric", "m", [0, 0, *one.size])
        assert one.map is not None and np.nanmax(one.map) <= 250.01


class Camera(torch.nn.Module):
    """Says inverse depth 0.5 everywhere, 0 at the top, and a field of view of 60 degrees."""

    def forward(self, pixel_values: torch.Tensor) -> Any:
        said = torch.full((len(pixel_values), 8, 8), 0.5)
        said[:, 0] = 0
        view = torch.full((len(pixel_values),), 60.0)
        from types import SimpleNamespace

        return SimpleNamespace(predicted_depth=said, field_of_view=view)


def test_metres_are_those_of_the_owners_processor(tmp_path: Path) -> None:
    annotator = DepthPro(weights=standing_in(DepthPro.card.weights, tiny.depth_pro(tmp_path / "model")))
    annotator.load()
    annotator.model = Camera()
    made = annotator.forward(torch.zeros(2, 3, 8, 8))
    sizes = [(8, 8), (8, 8)]
    theirs = annotator._processor.post_process_depth_estimation(Camera()(torch.zeros(2, 3, 8, 8)), sizes)
    for ours, other in zip(made, theirs, strict=True):
        np.testing.assert_allclose(ours[2:], other["predicted_depth"][2:], rtol=1e-6)
        np.testing.assert_allclose(ours[2:], 1 / (0.5 * 2 * np.tan(np.pi / 6)), rtol=1e-6)
        assert bool((ours[0] == 250).all())


class FullDepthPro(DepthPro):
    """The same with the network in all its size, random weights and the owners' processor."""

    card = replace(DepthPro.card, name="full-depth-pro", weights=())

    def build(self) -> Any:
        import transformers

        sizes = {"model_type": "dinov2", "image_size": 384, "hidden_size": 1024, "num_hidden_layers": 24}
        encoder = {**sizes, "num_attention_heads": 16, "patch_size": 16}
        config = transformers.DepthProConfig(
            image_model_config=dict(encoder),
            patch_model_config=dict(encoder),
            fov_model_config=dict(encoder),
            use_fov_model=True,
        )
        self._processor = transformers.DepthProImageProcessor()
        return transformers.DepthProForDepthEstimation(config)


@pytest.mark.slow
@pytest.mark.skipif(not photographs_here(), reason="the test photographs are not here")
def test_the_network_of_full_size_runs(tmp_path: Path) -> None:
    place = place_of(tmp_path, PHOTOGRAPHS[:1])
    (one,) = add(place, "depth", f"{__name__}:FullDepthPro", "full", [], threads=2).values()
    assert (one.row["map_width"], one.row["map_height"], one.row["unit"]) == (512, 512, "m")

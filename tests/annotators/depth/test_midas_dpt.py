"""MiDaS DPT: rows on photographs, with the real processor and a tiny model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file, save_file

from annotators.depth.midas_dpt import MidasDpt
from annotators.torch.transformers_depth import IDLE
from annotators.weights import WeightError, standing_in
from tests.annotators.added import PHOTOGRAPHS, add, alike, holds, photographs_here, place_of
from tests.annotators.depth import tiny

pytestmark = pytest.mark.skipif(not photographs_here(), reason="the test photographs are not here")


def test_rows_on_photographs(tmp_path: Path) -> None:
    rows = holds(tmp_path, "depth", "midas-dpt", [tiny.midas_dpt(tmp_path / "model")])
    for one in rows.values():
        assert (one.row["depth_kind"], one.row["unit"]) == ("inverse", None)
        assert (one.row["map_width"], one.row["map_height"]) == (96, 96)
        assert one.row["map_box"] == [0, 0, *one.size]
        assert one.map is not None and 0 <= np.nanmin(one.map) < np.nanmax(one.map)


def test_a_folder_as_it_is_published(tmp_path: Path) -> None:
    """The published weights lack what is never used, and their processor's settings are of an older form."""
    folder = tiny.midas_dpt(tmp_path / "model")
    whole = add(place_of(tmp_path), "depth", "midas-dpt", "whole", [folder])
    tensors = load_file(folder / "model.safetensors")
    idle = [name for name in tensors if name.startswith(IDLE)]
    assert len(idle) == 4
    save_file({name: tensors[name] for name in tensors.keys() - idle}, folder / "model.safetensors", {"format": "pt"})
    looks = {"feature_extractor_type": "DPTFeatureExtractor", "size": 96, "resample": 2, "keep_aspect_ratio": False}
    looks |= {"do_resize": True, "ensure_multiple_of": 1}
    looks |= {"do_normalize": True, "image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    (folder / "preprocessor_config.json").write_text(json.dumps(looks))
    alike(whole, add(tmp_path / "people", "depth", "midas-dpt", "published", [folder]))


def test_weights_that_are_used_must_be_there(tmp_path: Path) -> None:
    folder = tiny.midas_dpt(tmp_path / "model")
    tensors = load_file(folder / "model.safetensors")
    del tensors["neck.fusion_stage.layers.1.residual_layer1.convolution1.weight"]
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    annotator = MidasDpt(weights=standing_in(MidasDpt.card.weights, folder))
    with pytest.raises(WeightError, match=r"lacks weights of DPTForDepthEstimation.*layers.1.residual_layer1"):
        annotator.load()


@pytest.mark.slow
def test_the_network_of_full_size_runs(tmp_path: Path) -> None:
    rows = holds(tmp_path, "depth", "midas-dpt", [tiny.midas_dpt_full(tmp_path / "model")], PHOTOGRAPHS[:3])
    assert {(one.row["map_width"], one.row["map_height"]) for one in rows.values()} == {(384, 384)}

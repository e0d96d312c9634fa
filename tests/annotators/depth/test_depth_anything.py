"""Depth Anything: rows on photographs, relative and metric, with the real processor and a tiny model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from annotators.depth.depth_anything import DepthAnything
from annotators.weights import WeightError, from_path, standing_in
from tests.annotators.added import PHOTOGRAPHS, add, holds, photographs_here, place_of
from tests.annotators.depth import tiny

needs_photographs = pytest.mark.skipif(not photographs_here(), reason="the test photographs are not here")


@needs_photographs
def test_rows_on_photographs(tmp_path: Path) -> None:
    rows = holds(tmp_path, "depth", "depth-anything-v2", [tiny.depth_anything(tmp_path / "model")])
    for one in rows.values():
        assert (one.row["depth_kind"], one.row["unit"], one.row["map_box"]) == ("inverse", None, [0, 0, *one.size])
        shown = one.row["map_width"], one.row["map_height"]
        assert min(shown) == 56 and all(side % 14 == 0 for side in shown)
        assert abs(shown[0] / shown[1] - one.size[0] / one.size[1]) < 0.15
        assert one.map is not None and np.nanmin(one.map) >= 0


@needs_photographs
def test_a_metric_model_says_metres(tmp_path: Path) -> None:
    weights = [tiny.depth_anything(tmp_path / "model", "metric")]
    rows = add(place_of(tmp_path), "depth", "depth-anything-v2", "metric", weights)
    assert {(one.row["depth_kind"], one.row["unit"]) for one in rows.values()} == {("metric", "m")}
    assert all(one.map is not None and one.map.min() >= 0 and one.map.max() <= 20 for one in rows.values())


def test_another_kind_of_model_is_refused_in_one_line(tmp_path: Path) -> None:
    folder = tiny.midas_dpt(tmp_path / "model")
    with pytest.raises(WeightError, match="holds a dpt model, not depth_anything"):
        standing_in(DepthAnything.card.weights, folder)
    with pytest.raises(WeightError, match="holds a dpt model, not depth_anything"):
        DepthAnything(weights={DepthAnything.card.weights[0]: from_path(folder)}).load()


@pytest.mark.slow
@needs_photographs
def test_the_network_of_full_size_runs(tmp_path: Path) -> None:
    rows = holds(
        tmp_path, "depth", "depth-anything-v2", [tiny.depth_anything_full(tmp_path / "model")], PHOTOGRAPHS[:3]
    )
    assert all(max(one.row["map_width"], one.row["map_height"]) == 512 for one in rows.values())

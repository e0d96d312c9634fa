"""SegFormer's parts and clothes: rows on photographs."""

from __future__ import annotations

from pathlib import Path

import pytest

from annotators.segmentation.segformer_clothes import ATR
from tests.annotators.added import PHOTOGRAPHS, holds, photographs_here
from tests.annotators.segmentation import tiny

needs_photographs = pytest.mark.skipif(not photographs_here(), reason="the test photographs are not here")


@needs_photographs
def test_rows_on_photographs(tmp_path: Path) -> None:
    rows = holds(tmp_path, "segmentation", "segformer-clothes", [tiny.segformer(tmp_path / "model")], map_side=100)
    for one in rows.values():
        assert one.row["map_box"] == [0, 0, *one.size] and max(one.row["map_width"], one.row["map_height"]) == 100
        assert one.row["label_names"] == [ATR[label] for label in one.row["labels"]]


@pytest.mark.slow
@needs_photographs
def test_the_network_of_full_size_runs(tmp_path: Path) -> None:
    made = tiny.segformer_full(tmp_path / "model")
    rows = holds(tmp_path, "segmentation", "segformer-clothes", [made], PHOTOGRAPHS[:3])
    assert all(one.map is not None and one.map.max() < len(ATR) for one in rows.values())

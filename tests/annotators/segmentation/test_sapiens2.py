"""Sapiens2's parts: rows on photographs."""

from __future__ import annotations

from pathlib import Path

import pytest

from annotators.segmentation.sapiens2 import PARTS, Sapiens2Segmentation
from annotators.weights import WeightError, from_path
from tests.annotators.added import PHOTOGRAPHS, add, holds, photographs_here, place_of
from tests.annotators.segmentation import tiny

needs_photographs = pytest.mark.skipif(not photographs_here(), reason="the test photographs are not here")


@needs_photographs
def test_rows_on_photographs(tmp_path: Path) -> None:
    rows = holds(tmp_path, "segmentation", "sapiens2", [tiny.sapiens2_parts(tmp_path / "model")], map_side=100)
    for one in rows.values():
        assert one.row["map_box"] == [0, 0, *one.size] and max(one.row["map_width"], one.row["map_height"]) == 100
        assert one.row["label_names"] == [PARTS[label] for label in one.row["labels"]]
        assert sum(one.row["label_areas"]) == pytest.approx(1)


def test_another_kind_of_model_is_refused_in_one_line(tmp_path: Path) -> None:
    weights = {Sapiens2Segmentation.card.weights[0]: from_path(tiny.segformer(tmp_path / "model"))}
    with pytest.raises(WeightError, match="holds a segformer model, not sapiens2") as error:
        Sapiens2Segmentation(weights=weights).load()
    assert "\n" not in str(error.value)


@pytest.mark.slow
@needs_photographs
def test_the_network_of_full_size_runs(tmp_path: Path) -> None:
    """The backbone of the 0.4B model; the head's widths are those of the published one."""
    head = {"upsample_out_channels": [512, 256, 128, 64], "conv_out_channels": [64, 64]}
    made = tiny.sapiens2_full(tmp_path / "model", "Sapiens2ForSemanticSegmentation", len(PARTS), head, padded=False)
    (one,) = add(place_of(tmp_path, PHOTOGRAPHS[:1]), "segmentation", "sapiens2", "full", [made]).values()
    assert one.map is not None and one.map.shape == (one.size[1], one.size[0])

"""Sapiens2's normals: rows on photographs, and a network of known output."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from annotators.base import Picture
from annotators.normal.sapiens2 import Sapiens2Normal
from annotators.torch.segmentation import TransformersSegmentation
from annotators.weights import standing_in
from humanverse.codec import encode_jpeg
from tests.annotators.added import PHOTOGRAPHS, add, holds, photographs_here, place_of
from tests.annotators.segmentation import tiny
from tests.annotators.torch.test_sapiens2 import said

needs_photographs = pytest.mark.skipif(not photographs_here(), reason="the test photographs are not here")


@needs_photographs
def test_rows_on_photographs(tmp_path: Path) -> None:
    parts = tiny.segformer(tmp_path / "parts")

    def people(place: Path) -> None:
        add(place, "segmentation", "segformer-clothes", "parts", [parts])

    model = tiny.sapiens2_normal(tmp_path / "model")
    rows = holds(tmp_path, "normal", "sapiens2", [model], needed=people)
    for one in rows.values():
        assert one.row["map_box"] == [0, 0, *one.size] and one.map is not None
        lengths = np.linalg.norm(one.map, axis=2)
        np.testing.assert_allclose(lengths[np.isfinite(lengths)], 1, atol=1e-5)
    assert any(np.isfinite(one.map).any() for one in rows.values() if one.map is not None)


class Leaning(torch.nn.Module):
    """Says, three times as long as it should be, a surface on the picture that leans back, and another one on the padding."""

    def forward(self, pixel_values: torch.Tensor) -> Any:
        padding = (pixel_values == pixel_values.min()).all(dim=1, keepdim=True)
        there, beside = (torch.tensor(normal).view(1, 3, 1, 1) * 3 for normal in ([0.0, 0.6, 0.8], [1.0, 0.0, 0.0]))
        return SimpleNamespace(normals=torch.where(padding, beside, there))


class LeaningNormal(Sapiens2Normal):
    """The same with a network of known output."""

    def build(self) -> Any:
        super().build()
        return Leaning()


@pytest.mark.parametrize("size", [(640, 300), (200, 900)])
def test_what_it_says_is_kept_as_it_is_and_nothing_of_the_padding(tmp_path: Path, size: tuple[int, int]) -> None:
    made = tiny.sapiens2_normal(tmp_path / "model")
    annotator = LeaningNormal(weights=standing_in(Sapiens2Normal.card.weights, made))
    annotator.load()
    shown = Picture("0", encode_jpeg(np.full((size[1], size[0], 3), 200, np.uint8), 90))
    everywhere = said(np.ones((8, 8), np.uint8), [0.0, 0.0, *map(float, size)])
    (row,) = annotator.annotate([shown], {"segmentation": [everywhere]})
    assert isinstance(row, dict) and row["map_box"] == [0, 0, *size]
    np.testing.assert_allclose(row["map"], np.broadcast_to([0, 0.6, 0.8], row["map"].shape), atol=1e-6)


def test_it_needs_a_segmentation() -> None:
    assert Sapiens2Normal.card.needs == ("segmentation",)
    assert not issubclass(Sapiens2Normal, TransformersSegmentation)


@pytest.mark.slow
@needs_photographs
def test_the_network_of_full_size_runs(tmp_path: Path) -> None:
    """The backbone of the 0.4B model; the head's widths are a guess."""
    head = {
        "use_pixel_shuffle": True,
        "upsample_out_channels": [512, 256, 128, 64],
        "upsample_kernel_size": 3,
        "conv_out_channels": [64, 32, 16],
        "conv_kernel_size": 3,
    }
    made = tiny.sapiens2_full(tmp_path / "model", "Sapiens2ForNormalEstimation", 3, head, padded=True)
    place = place_of(tmp_path, PHOTOGRAPHS[:1])
    add(place, "segmentation", "segformer-clothes", "parts", [tiny.segformer(tmp_path / "parts")])
    (one,) = add(place, "normal", "sapiens2", "full", [made]).values()
    assert one.map is not None and max(one.map.shape) == 512

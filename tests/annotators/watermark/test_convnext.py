"""The ConvNeXt for watermarks: under its authors' names, and the same numbers as their network gives."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from annotators.base import Picture
from annotators.torch.whole_squares import whole_square
from annotators.watermark.convnext import SIDE, ConvNext
from annotators.weights import WeightError, from_path
from humanverse.codec import encode_jpeg
from humanverse.torchvision_operators import prepare_torchvision
from tests.annotators.added import PHOTOGRAPHS, holds, photographs_here
from tests.annotators.networks.convnext_reference import ConvNextReference

prepare_torchvision()
needs_photographs = pytest.mark.skipif(not photographs_here(), reason="the test photographs are not here")
(WEIGHT,) = ConvNext.card.weights
DEPTHS, WIDTHS = (1, 1, 2, 1), (8, 16, 24, 32)
FULL = (3, 3, 9, 3), (96, 192, 384, 768)


class TinyConvNext(ConvNext):
    """The same with a tiny body."""

    card = replace(ConvNext.card, name="tiny-convnext")
    architecture = "convnext_atto"
    sizes = {"depths": DEPTHS, "dims": WIDTHS, "conv_mlp": False}


def reference(depths: tuple[int, ...] = DEPTHS, widths: tuple[int, ...] = WIDTHS) -> ConvNextReference:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(4)
        made = ConvNextReference(depths, widths)
        last: Any = made.head[-1]
        last.weight.data *= 8
    return made.eval()


def written(folder: Path, network: ConvNextReference) -> Path:
    torch.save(network.state_dict(), folder / WEIGHT.file_name)
    return folder / WEIGHT.file_name


def loaded(path: Path, annotator: type[ConvNext] = TinyConvNext) -> ConvNext:
    made = annotator(weights={WEIGHT: from_path(path)})
    made.load()
    return made


def rows(annotator: ConvNext, rgb: np.ndarray) -> dict[str, Any]:
    (row,) = annotator.annotate([Picture("0", encode_jpeg(rgb, 100))], {})
    assert isinstance(row, dict)
    return row


def same(annotator: ConvNext, network: ConvNextReference) -> None:
    """Both give the same probability of the second class."""
    rgb = np.full((80, 120, 3), (200, 90, 30), np.uint8)
    with torch.inference_mode():
        shown = whole_square(Picture("0", encode_jpeg(rgb, 100)).rgb, SIDE)[None]
        expected = network(shown)[0].softmax(dim=-1)[1].item()
    assert 0.001 < expected < 0.999
    np.testing.assert_allclose(rows(annotator, rgb)["watermark"], expected, atol=1e-5)


def test_it_is_the_authors_network(tmp_path: Path) -> None:
    network = reference()
    same(loaded(written(tmp_path, network)), network)


def test_other_weights_are_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(WeightError, match="is not of this network: lacks") as told:
        loaded(written(tmp_path, reference((1, 1, 3, 1))))
    assert "\n" not in str(told.value)


@needs_photographs
def test_rows_on_photographs(tmp_path: Path) -> None:
    found = holds(tmp_path, "watermark", f"{__name__}:TinyConvNext", [written(tmp_path, reference())], PHOTOGRAPHS[:3])
    assert len({one.row["watermark"] for one in found.values()}) == 3


@pytest.mark.slow
def test_the_network_of_full_size_is_the_authors(tmp_path: Path) -> None:
    network = reference(*FULL)
    same(loaded(written(tmp_path, network), ConvNext), network)

"""LAION's detector of watermarks: the published head on timm's body, the probability of the first class."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch

from annotators.base import Picture
from annotators.watermark.laion import Laion
from annotators.weights import WeightError, from_path
from humanverse.codec import encode_jpeg
from humanverse.dataset.reader import Dataset
from humanverse.torchvision_operators import prepare_torchvision
from pipelines.annotate import annotate
from pipelines.plan_layers import Asked
from pipelines.view import make
from tests.annotators.added import PHOTOGRAPHS, holds, photographs_here
from tests.datasets import make_dataset

prepare_torchvision()
needs_photographs = pytest.mark.skipif(not photographs_here(), reason="the test photographs are not here")
(WEIGHT,) = Laion.card.weights
HEAD = {"classifier.0": (625, 1536), "classifier.3": (256, 625), "classifier.5": (2, 256)}
"""Linear layers of the published head."""


class TinyLaion(Laion):
    """The same with a small body."""

    card = replace(Laion.card, name="tiny-laion")
    architecture = "tinynet_e"


def written(folder: Path, annotator: type[Laion] = TinyLaion) -> Path:
    """Random weights in a file of the published name and kind."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(6)
        network = annotator().network()
        for name, tensor in network.named_parameters():
            if name.startswith("classifier") and tensor.dim() == 2:
                torch.nn.init.xavier_normal_(tensor, gain=3)
    folder.mkdir(exist_ok=True)
    torch.save(network.state_dict(), folder / WEIGHT.file_name)
    return folder / WEIGHT.file_name


def test_the_head_has_the_published_shapes() -> None:
    with torch.device("meta"):
        tensors = Laion().network().state_dict()
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items() if name.startswith("classifier")}
    assert shapes == {
        **{f"{name}.weight": shape for name, shape in HEAD.items()},
        **{f"{name}.bias": shape[:1] for name, shape in HEAD.items()},
    }
    assert "conv_stem.weight" in tensors and "blocks.0.0.conv_dw.weight" in tensors


def test_it_is_the_probability_of_the_first_class(tmp_path: Path) -> None:
    path = written(tmp_path)
    annotator = TinyLaion(weights={WEIGHT: from_path(path)})
    annotator.load()
    network = TinyLaion().network()
    network.load_state_dict(torch.load(path, weights_only=True))
    shown = Picture("0", encode_jpeg(np.random.default_rng(0).integers(0, 255, (90, 120, 3), np.uint8), 98))
    (row,) = annotator.annotate([shown], {})
    with torch.inference_mode():
        mark, clear = network.eval()(annotator.input(shown.rgb)[None])[0].double().tolist()
    assert isinstance(row, dict)
    np.testing.assert_allclose(row["watermark"], 1 / (1 + np.exp(clear - mark)), atol=1e-5)


def test_other_weights_are_refused_in_one_line(tmp_path: Path) -> None:
    path = written(tmp_path)
    torch.save({name: value for name, value in torch.load(path, weights_only=True).items() if "5" not in name}, path)
    annotator = TinyLaion(weights={WEIGHT: from_path(path)})
    with pytest.raises(WeightError, match="is not of this network: lacks") as told:
        annotator.load()
    assert "\n" not in str(told.value)


def test_views_filter_by_the_probability(tmp_path: Path) -> None:
    place = str(tmp_path / "people")
    make_dataset(tmp_path / "people", shards=2, per_shard=3)
    asked = Asked({"watermark": f"{__name__}:TinyLaion"}, weights=[("watermark", str(written(tmp_path / "weights")))])
    assert annotate(place, asked, local=True).lost == {}
    dataset = Dataset(place)
    table = pa.concat_tables(dataset.layer("watermark/tiny-laion", shard) for shard in dataset.shards())
    found: list[Any] = sorted(table.column("watermark").to_pylist())
    make(place, "clear", [f"watermark.watermark < {(found[3] + found[4]) / 2:.9f}"])
    selection = Dataset(place).select("clear")
    assert sum(selection.read(shard).images.num_rows for shard in dataset.shards()) == 4


@needs_photographs
def test_rows_on_photographs(tmp_path: Path) -> None:
    rows = holds(tmp_path, "watermark", f"{__name__}:TinyLaion", [written(tmp_path)], PHOTOGRAPHS[:3])
    assert len({one.row["watermark"] for one in rows.values()}) == 3


@pytest.mark.slow
@needs_photographs
def test_the_network_of_full_size_runs(tmp_path: Path) -> None:
    holds(tmp_path, "watermark", "laion", [written(tmp_path, Laion)], PHOTOGRAPHS[:3])

"""Omnidata's depth: rows on photographs, where a map lies on its picture, and what the network is shown."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from annotators.base import Picture
from annotators.depth.omnidata import OmnidataDepth
from annotators.networks import dpt_hybrid
from annotators.torch import omnidata
from annotators.torch.convert import convert
from annotators.weights import WeightError, standing_in
from humanverse.codec import encode_jpeg
from humanverse.codec.maps import ENCODERS, decode_depth
from tests.annotators.added import PHOTOGRAPHS, holds, photographs_here
from tests.annotators.depth import tiny
from tests.annotators.networks.dpt_reference import TINY

needs_photographs = pytest.mark.skipif(not photographs_here(), reason="the test photographs are not here")


class TinyDepth(OmnidataDepth):
    """The same with a tiny network."""

    card = replace(OmnidataDepth.card, name="tiny-omnidata")

    def network(self) -> Any:
        from annotators.networks.dpt_hybrid import DptHybrid

        return DptHybrid(self.outputs, TINY)


class Ramps(torch.nn.Module):
    """Says where in the input a pixel lies: half of how far across, 0 at the left edge, and a quarter of how far down."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        batch, _, height, width = images.shape
        across = (torch.arange(width) + 0.5) / width
        down = (torch.arange(height) + 0.5) / height
        return (across / 2 + down[:, None] / 4).expand(batch, 1, height, width)


class RampDepth(OmnidataDepth):
    """The same with a network of known output."""

    def build(self) -> Any:
        return Ramps()


class Mirror(OmnidataDepth):
    """The same with a network that says what it is shown."""

    def build(self) -> Any:
        return torch.nn.Identity()

    def forward(self, batch: Any) -> Any:
        return batch.permute(0, 2, 3, 1)

    def row(self, values: np.ndarray) -> dict[str, Any]:
        return {"map": values}


def loaded(annotator: type[OmnidataDepth], **settings: Any) -> OmnidataDepth:
    made = annotator(annotator.Settings(**settings))
    made.load()
    return made


def picture(rgb: np.ndarray) -> Picture:
    return Picture("0", encode_jpeg(rgb, 95))


@needs_photographs
def test_rows_on_photographs(tmp_path: Path) -> None:
    weights = tiny.omnidata(tmp_path / "tiny.ckpt", 1)
    rows = holds(tmp_path, "depth", f"{__name__}:TinyDepth", [weights], shorter_side=96)
    for one in rows.values():
        width, height = one.size
        assert (one.row["depth_kind"], one.row["unit"], one.row["map_box"]) == ("relative", None, [0, 0, width, height])
        assert min(one.row["map_width"], one.row["map_height"]) == 96
        assert one.map is not None and 0 <= np.nanmin(one.map) < np.nanmax(one.map) <= 1


@pytest.mark.parametrize("size", [(640, 480), (333, 500), (500, 500), (1000, 301)])
def test_a_map_covers_its_picture_exactly(size: tuple[int, int]) -> None:
    width, height = size
    (row,) = loaded(RampDepth, map_side=4096).annotate([picture(np.full((height, width, 3), 90, np.uint8))], {})
    assert isinstance(row, dict)
    png, columns = ENCODERS["depth"](row["map"])
    depth = decode_depth(png, columns["scale"], columns["offset"])
    x0, y0, x1, y1 = row["map_box"]
    assert (x0, y0, x1, y1) == (0, 0, width, height)
    x = x0 + (np.arange(depth.shape[1]) + 0.5) * (x1 - x0) / depth.shape[1]
    y = y0 + (np.arange(depth.shape[0]) + 0.5) * (y1 - y0) / depth.shape[0]
    np.testing.assert_allclose(depth, x / width / 2 + y[:, None] / height / 4, rtol=0, atol=columns["scale"])


def test_the_middle_square_is_that_of_the_owners_demo() -> None:
    """Resized to 384 x 576; rows 96 to 480 are cut out."""
    wide, tall = np.zeros((333, 500, 3), np.uint8), np.zeros((500, 333, 3), np.uint8)
    first, second = loaded(RampDepth, middle_square=True).annotate([picture(wide), picture(tall)], {})
    assert isinstance(first, dict) and isinstance(second, dict)
    assert first["map"].shape == second["map"].shape == (384, 384)
    x0, y0, x1, y1 = first["map_box"]
    np.testing.assert_allclose([x0, y0, x1, y1], [96 * 500 / 576, 0, 480 * 500 / 576, 333], rtol=1e-12)
    np.testing.assert_allclose(second["map_box"], [y0, x0, y1, x1], rtol=1e-12)


def test_the_middle_square_shows_what_its_box_says() -> None:
    x = np.linspace(0, 200, 640)
    rgb = np.broadcast_to(x[None, :, None], (400, 640, 3)).round().astype(np.uint8)
    (row,) = loaded(Mirror, middle_square=True).annotate([picture(rgb)], {})
    assert isinstance(row, dict)
    x0, _, x1, _ = row["map_box"]
    shown = (row["map"][100, :, 0] * 0.5 + 0.5) * 255
    middles = x0 + (np.arange(384) + 0.5) * (x1 - x0) / 384 - 0.5
    np.testing.assert_allclose(shown, np.interp(middles, np.arange(640), x), atol=3)


def test_the_input_is_normalised_and_its_sides_fit() -> None:
    assert omnidata.STRIDE == dpt_hybrid.STRIDE
    rgb = np.zeros((300, 450, 3), np.uint8)
    rgb[:, :, 0] = 255
    (row,) = loaded(Mirror, map_side=4096).annotate([picture(rgb)], {})
    assert isinstance(row, dict) and row["map"].shape == (384, 576, 3)
    np.testing.assert_allclose(row["map"].mean(axis=(0, 1)), [1, -1, -1], atol=0.03)


def test_weights_of_another_network_are_refused_in_one_line(tmp_path: Path) -> None:
    normals = tiny.omnidata(tmp_path / "normals.ckpt", 3)
    annotator = TinyDepth(weights=standing_in(TinyDepth.card.weights, normals))
    with pytest.raises(WeightError, match=r"output_conv.4.weight is \[3, 32, 1, 1\] instead of \[1, 32, 1, 1\]"):
        annotator.load()


def test_pictures_of_one_size_go_through_together(monkeypatch: pytest.MonkeyPatch) -> None:
    annotator = loaded(RampDepth, batch_size=8)
    sizes: list[int] = []
    forward = annotator.forward

    def noting(batch: Any) -> Any:
        sizes.append(len(batch))
        return forward(batch)

    monkeypatch.setattr(annotator, "forward", noting)
    shown = [picture(np.zeros((height, 96, 3), np.uint8)) for height in (64, 96, 64, 64)]
    rows = annotator.annotate(shown, {})
    assert sizes == [3, 1]
    assert [row["map_box"][3] for row in rows if isinstance(row, dict)] == [64, 96, 64, 64]


def test_a_checkpoint_with_training_state_is_converted_and_says_the_same(tmp_path: Path) -> None:
    plain = tiny.omnidata(tmp_path / "tiny.ckpt", 1)
    beside = {
        "hyper_parameters": Namespace(lr=1e-5),
        "optimizer_states": [{"state": {0: {"step": 3}}, "param_groups": []}],
    }
    torch.save({**torch.load(plain, weights_only=True), **beside}, tmp_path / "trained.ckpt")
    with pytest.raises(WeightError, match="humanverse models convert"):
        weighed(tmp_path / "trained.ckpt")
    convert(tmp_path / "trained.ckpt", tmp_path / "trained.safetensors")
    shown = [picture(np.random.default_rng(0).integers(0, 255, (96, 128, 3), np.uint8))]
    (one,), (other,) = (weighed(path).annotate(shown, {}) for path in (plain, tmp_path / "trained.safetensors"))
    assert isinstance(one, dict) and isinstance(other, dict)
    np.testing.assert_array_equal(one["map"], other["map"])


def weighed(path: Path) -> TinyDepth:
    """The tiny annotator with the weights of a file, loaded."""
    annotator = TinyDepth(TinyDepth.Settings(shorter_side=96), weights=standing_in(TinyDepth.card.weights, path))
    annotator.load()
    return annotator


@pytest.mark.slow
@needs_photographs
def test_the_network_of_full_size_runs(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = OmnidataDepth().network()
    tensors = {f"model.{name}": tensor for name, tensor in network.state_dict().items()}
    torch.save({"state_dict": tensors}, tmp_path / "omnidata_dpt_depth_v2.ckpt")
    rows = holds(tmp_path, "depth", "omnidata", [tmp_path / "omnidata_dpt_depth_v2.ckpt"], PHOTOGRAPHS[:3])
    assert all(min(one.row["map_width"], one.row["map_height"]) <= 384 for one in rows.values())

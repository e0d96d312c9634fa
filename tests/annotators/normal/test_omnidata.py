"""Omnidata's normals: rows on photographs, and planes of known direction in the frame of layers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from annotators.base import Picture
from annotators.normal.omnidata import OmnidataNormal
from annotators.weights import standing_in
from humanverse.codec import encode_jpeg
from humanverse.codec.maps import ENCODERS, decode_normal
from tests.annotators.added import PHOTOGRAPHS, holds, photographs_here
from tests.annotators.depth import tiny
from tests.annotators.networks.dpt_reference import TINY

needs_photographs = pytest.mark.skipif(not photographs_here(), reason="the test photographs are not here")
HALF_A_LEVEL = np.degrees(np.sqrt(3) / 2 / 127.5)
"""By how much 8 bits a channel may turn a vector, in degrees."""


class TinyNormal(OmnidataNormal):
    """The same with a tiny network."""

    card = replace(OmnidataNormal.card, name="tiny-omnidata")

    def network(self) -> Any:
        from annotators.networks.dpt_hybrid import DptHybrid

        return DptHybrid(self.outputs, TINY)


class Room(torch.nn.Module):
    """Says a ceiling, a wall that faces the camera and a floor, each a third of the height, as Omnidata encodes them: (n + 1) / 2
    with x right, y down, z into the picture."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        batch, _, height, width = images.shape
        said = torch.empty(batch, 3, height, width)
        third = height // 3
        for rows, normal in (
            (slice(0, third), (0, 1, 0)),
            (slice(third, 2 * third), (0, 0, -1)),
            (slice(2 * third, height), (0, -1, 0)),
        ):
            said[:, :, rows] = (torch.tensor(normal).view(3, 1, 1) + 1) / 2
        return said


class RoomNormal(OmnidataNormal):
    """The same with a network of known output."""

    def build(self) -> Any:
        return Room()


def picture(rgb: np.ndarray) -> Picture:
    return Picture("0", encode_jpeg(rgb, 95))


def map_of(annotator: OmnidataNormal, shown: Picture) -> np.ndarray:
    """The map as it comes back out of its PNG."""
    (row,) = annotator.annotate([shown], {})
    assert isinstance(row, dict)
    png, columns = ENCODERS["normal"](row["map"])
    assert columns == {}
    return decode_normal(png)


def degrees(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    return np.degrees(np.arccos(np.clip((ours * theirs).sum(axis=-1), -1, 1)))


@needs_photographs
def test_rows_on_photographs(tmp_path: Path) -> None:
    weights = tiny.omnidata(tmp_path / "tiny.ckpt", 3)
    rows = holds(tmp_path, "normal", f"{__name__}:TinyNormal", [weights], shorter_side=96)
    for one in rows.values():
        assert one.row["map_box"] == [0, 0, *one.size] and one.map is not None
        np.testing.assert_allclose(np.linalg.norm(one.map, axis=2), 1, atol=1e-5)


def test_a_ceiling_a_wall_and_a_floor_come_out_in_the_frame_of_layers() -> None:
    annotator = RoomNormal()
    annotator.load()
    normals = map_of(annotator, picture(np.full((480, 640, 3), 128, np.uint8)))
    assert normals.shape == (384, 512, 3)
    for row, expected in ((60, (0, -1, 0)), (190, (0, 0, 1)), (320, (0, 1, 0))):
        assert degrees(normals[row], np.array(expected, np.float32)).max() <= HALF_A_LEVEL


def test_a_map_that_is_made_smaller_still_has_unit_vectors() -> None:
    annotator = RoomNormal(RoomNormal.Settings(map_side=100))
    annotator.load()
    (row,) = annotator.annotate([picture(np.full((480, 640, 3), 128, np.uint8))], {})
    assert isinstance(row, dict) and row["map"].shape == (75, 100, 3)
    np.testing.assert_allclose(np.linalg.norm(row["map"], axis=2), 1, rtol=1e-5)


def test_what_the_network_says_is_decoded_pixel_by_pixel(tmp_path: Path) -> None:
    weights = standing_in(TinyNormal.card.weights, tiny.omnidata(tmp_path / "tiny.ckpt", 3))
    annotator = TinyNormal(TinyNormal.Settings(shorter_side=96), weights=weights)
    annotator.load()
    shown = picture(np.random.default_rng(0).integers(0, 255, (96, 128, 3), np.uint8))
    with torch.inference_mode():
        image = torch.from_numpy(shown.rgb.copy()).permute(2, 0, 1).float()[None] / 255
        said = annotator.model(image).clamp(0, 1)[0].permute(1, 2, 0).numpy() * 2 - 1
    x, y, z = np.moveaxis(said / np.linalg.norm(said, axis=2, keepdims=True), 2, 0)
    turned = degrees(map_of(annotator, shown), np.stack([x, -y, -z], axis=2))
    assert turned.max() <= HALF_A_LEVEL
    assert degrees(np.stack([x, -y, -z], axis=2), np.stack([x, y, z], axis=2)).min() > 0.01


@pytest.mark.slow
@needs_photographs
def test_the_network_of_full_size_runs(tmp_path: Path) -> None:
    torch.manual_seed(0)
    tensors = {f"model.{name}": tensor for name, tensor in OmnidataNormal().network().state_dict().items()}
    torch.save({"state_dict": tensors}, tmp_path / "omnidata_dpt_normal_v2.ckpt")
    holds(tmp_path, "normal", "omnidata", [tmp_path / "omnidata_dpt_normal_v2.ckpt"], PHOTOGRAPHS[:3])

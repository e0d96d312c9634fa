"""Depth and normals as files: a dataset's format, there and back."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from humanverse.codec.maps import decode_depth, decode_normal, encode_depth
from humanverse.errors import UserError
from humanverse.generation import maps, marks

DEPTH = np.array([[0, 0.25, 1, np.nan]], np.float32)
NORMAL = np.array([[[0, 0, 1], [0.6, -0.8, 0], [np.nan] * 3]], np.float32)


def test_depth_is_written_as_datasets_have_it() -> None:
    data = marks.png(maps.depth_picture(DEPTH), more=maps.WORDS["depth"])
    assert Image.open(io.BytesIO(data)).mode.startswith("I;16")
    np.testing.assert_allclose(decode_depth(data, maps.DEPTH["scale"], maps.DEPTH["offset"]), DEPTH, atol=1e-5)
    np.testing.assert_allclose(maps.read_depth(data), DEPTH, atol=1e-5)


def test_normals_are_written_as_datasets_have_them() -> None:
    data = marks.png(maps.normal_picture(NORMAL))
    np.testing.assert_allclose(decode_normal(data), NORMAL, atol=0.01)
    np.testing.assert_allclose(maps.read_normal(data), NORMAL, atol=0.01)


def test_grey_of_8_bits_is_a_depth_too(tmp_path: Path) -> None:
    Image.fromarray(np.array([[0, 51, 255]], np.uint8)).save(tmp_path / "grey.png")
    np.testing.assert_allclose(maps.read("depth", tmp_path / "grey.png"), [[0, 0.2, 1]], atol=1e-6)


def test_depth_of_16_bits_must_say_what_it_is(tmp_path: Path) -> None:
    """A dataset's own PNG of metres has far places bright."""
    path = tmp_path / "metres.png"
    for data in (encode_depth(1 + DEPTH)[0], marks.png(maps.depth_picture(DEPTH), more={"depth_kind": "metric"})):
        path.write_bytes(data)
        with pytest.raises(
            UserError, match=r"metres.png has 16 bits and does not say .*or 8 bits from black, far, to white"
        ):
            maps.read("depth", path)


def test_what_is_no_map_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no picture")
    Image.new("RGB", (4, 4)).save(tmp_path / "colour.png")
    for name, file, line in (
        ("depth", "nothing.png", "--depth .*nothing.png: No such file"),
        ("depth", "text.png", "is no depth map"),
        ("depth", "colour.png", "is no depth map"),
        ("normal", "text.png", "is no normal map"),
    ):
        with pytest.raises(UserError, match=line):
            maps.read(name, tmp_path / file)

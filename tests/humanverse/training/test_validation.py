"""What a run is looked at by: where each picture is, and what is written above it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from humanverse.training.validation import TITLE, grid_of, titled, write_picture

SIDE = 48


def plain(*greys: float) -> torch.Tensor:
    return torch.tensor(greys)[:, None, None, None].expand(-1, 3, SIDE, SIDE)


def test_a_row_for_each_sample_and_a_column_for_each_name() -> None:
    grid = grid_of({"skeleton": plain(0, 0.2), "rgb": plain(0.4, 1.5), "depth": plain(0.6, -1)})
    assert grid.shape == (2 * SIDE, 3 * SIDE, 3)
    assert grid[::SIDE, ::SIDE, 0].tolist() == [[0, 102, 153], [51, 255, 0]]


def test_each_title_is_above_its_column() -> None:
    grid = np.full((SIDE, 3 * SIDE, 3), 7, np.uint8)
    found = titled(grid, ["skeleton", "rgb", "depth"])
    assert found.shape == (TITLE + SIDE, 3 * SIDE, 3)
    assert np.array_equal(found[TITLE:], grid)
    dark = [(found[:TITLE, start : start + SIDE] < 128).sum() for start in range(0, 3 * SIDE, SIDE)]
    assert dark[0] > dark[2] > dark[1] > 0


def test_without_room_there_is_no_title() -> None:
    grid = np.zeros((8, 16, 3), np.uint8)
    assert titled(grid, ["skeleton", "rgb"]) is grid


def test_the_picture_is_named_by_the_samples_seen(tmp_path: Path) -> None:
    grid = np.arange(SIDE * SIDE * 3, dtype=np.uint8).reshape(SIDE, SIDE, 3)
    write_picture(grid, tmp_path, 800)
    assert np.array_equal(np.asarray(Image.open(tmp_path / "validation" / "000000000800.png")), grid)

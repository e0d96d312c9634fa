"""Tiles cover the picture, and a person whom a tile cuts is not believed."""

from __future__ import annotations

import numpy as np
import pytest

from annotators.person.tiles import squares, whole


@pytest.mark.parametrize("size", [(640, 427), (427, 640), (1000, 100), (400, 340), (3, 7)])
def test_tiles_are_squares_that_cover_the_picture(size: tuple[int, int]) -> None:
    width, height = size
    tiles = squares(width, height)
    assert (tiles[:, 2:] - tiles[:, :2] == min(size)).all() and len(tiles) >= 2
    covered = np.zeros((height, width), int)
    for x0, y0, x1, y1 in tiles:
        covered[y0:y1, x0:x1] += 1
    assert covered.min() >= 1 and covered.shape == (height, width)


@pytest.mark.parametrize("size", [(500, 500), (500, 450), (1, 1)])
def test_a_nearly_square_picture_has_none(size: tuple[int, int]) -> None:
    assert squares(*size).shape == (0, 4)


def test_boxes_at_inner_edges_are_parts() -> None:
    tile = np.array([200, 0, 600, 400])
    boxes = np.array(
        [
            [201, 50, 300, 200],
            [250, 1, 300, 399],
            [500, 50, 599, 200],
            [250, 50, 300, 200],
        ]
    )
    assert whole(boxes, tile, 1000, 400).tolist() == [False, True, False, True]
    assert whole(boxes, tile, 600, 400).tolist() == [False, True, True, True]

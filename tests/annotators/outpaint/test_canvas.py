"""Frames and canvases: whole pixels, and the picture bit for bit."""

from __future__ import annotations

import numpy as np
import pytest

from annotators.outpaint.canvas import Frame, laid, replicated
from annotators.outpaint.edge import Edge
from tests.annotators.outpaint.fakes import margins, picture

SIZES = [(1, 1), (2, 3), (7, 5), (101, 33), (64, 64)]


@pytest.mark.parametrize("size", SIZES)
def test_a_frame_is_made_of_whole_pixels(size: tuple[int, int]) -> None:
    frame = margins(0.25, 0.125, 0.3, 0.5).frame(size)
    x0, y0, x1, y1 = frame.box
    assert (x1 - x0, y1 - y0) == size and (x0, y0) == frame.offset
    assert frame.canvas == (frame.left + size[0] + frame.right, frame.top + size[1] + frame.bottom)
    assert frame.left == round(0.25 * size[0]) and frame.bottom == round(0.5 * size[1])


def test_without_margins_the_canvas_is_the_picture() -> None:
    assert margins().frame((31, 17)).same and not margins(left=0.1).frame((31, 17)).same
    assert margins(0.1, 0.1, 0.1, 0.1).frame((4, 4)).same, "a margin of less than half a pixel is none"


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("fill", ["replicate", "reflect"])
def test_the_pictures_pixels_are_the_same_on_the_canvas(size: tuple[int, int], fill: str) -> None:
    one = picture(*size)
    before = one.rgb.copy()
    grower = Edge(Edge.Settings(left=0.5, top=1, right=1.5, bottom=2, fill=fill))
    (canvas,) = grower.grown([one])
    x0, y0, x1, y1 = canvas.frame.box
    assert canvas.rgb.shape == (*canvas.frame.canvas[::-1], 3) and canvas.rgb.dtype == np.uint8
    np.testing.assert_array_equal(canvas.rgb[y0:y1, x0:x1], before)
    np.testing.assert_array_equal(one.rgb, before)


def test_what_lies_in_the_margins() -> None:
    rgb = np.arange(12, dtype=np.uint8).reshape(1, 4, 3)
    frame = Frame((4, 1), 2, 0, 1, 1)
    wanted = [[0, 0, 0, 1, 2, 3, 3]] * 2
    np.testing.assert_array_equal(replicated(rgb, frame)[:, :, 0] // 3, wanted)
    canvas = laid(rgb, np.full((2, 7, 3), 9, np.uint8), frame)
    np.testing.assert_array_equal(canvas.rgb[:, :, 0], [[9, 9, 0, 3, 6, 9, 9], [9] * 7])

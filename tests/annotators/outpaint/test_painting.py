"""What a model is shown of a canvas, and that what it paints ends up in the margins alone."""

from __future__ import annotations

import numpy as np
import pytest

from annotators.outpaint.painting import LONGEST, Sketch, working_size
from tests.annotators.outpaint.fakes import margins

SIZES = [(1, 1), (3, 2), (40, 30), (101, 33), (640, 427), (90, 700)]


def sketch(size: tuple[int, int], side: int = 64, multiple: int = 8) -> Sketch:
    frame = margins(0.25, 0.125, 0.25, 0.5).frame(size)
    return Sketch(frame, working_size(frame.canvas, side, multiple))


@pytest.mark.parametrize("canvas", [(512, 512), (640, 480), (33, 1000), (10000, 10), (3, 3), (1500, 1625)])
def test_the_working_size_has_the_models_area_and_the_canvas_proportions(canvas: tuple[int, int]) -> None:
    width, height = working_size(canvas, 512, 64)
    assert width % 64 == height % 64 == 0 and min(width, height) >= 64
    assert max(width, height) <= LONGEST * 512
    if max(canvas) < 3 * min(canvas):
        assert abs(width * height / 512**2 - 1) < 0.2
        assert abs(width / height / (canvas[0] / canvas[1]) - 1) < 0.15


@pytest.mark.parametrize("size", SIZES)
def test_what_is_painted_is_what_lies_outside_the_picture(size: tuple[int, int]) -> None:
    one = sketch(size)
    unknown = one.unknown
    assert unknown.shape == one.size[::-1]
    (cw, ch), (x0, y0, x1, y1) = one.frame.canvas, one.frame.box
    for row in range(0, one.size[1], 3):
        for column in range(0, one.size[0], 3):
            x, y = (column + 0.5) * cw / one.size[0], (row + 0.5) * ch / one.size[1]
            assert unknown[row, column] != (x0 <= x < x1 and y0 <= y < y1)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("side", [24, 64, 160])
def test_the_picture_is_laid_on_the_painting_and_what_is_kept_gives_the_same_canvas(
    size: tuple[int, int], side: int
) -> None:
    rng, one = np.random.default_rng(0), sketch(size, side)
    rgb = rng.integers(0, 255, (size[1], size[0], 3), np.uint8)
    painting = rng.integers(1, 255, (*one.size[::-1], 3), np.uint8)
    canvas, again = one.canvas(rgb, painting), one.canvas(rgb, one.emptied(painting))
    x0, y0, x1, y1 = one.frame.box
    np.testing.assert_array_equal(canvas.rgb[y0:y1, x0:x1], rgb)
    np.testing.assert_array_equal(canvas.rgb, again.rgb)
    assert canvas.rgb.shape == (*one.frame.canvas[::-1], 3)


def test_what_is_kept_does_not_show_the_picture() -> None:
    one = sketch((640, 427), 512)
    kept = one.emptied(np.full((*one.size[::-1], 3), 255, np.uint8))
    inside = ~one.unknown
    assert (kept[one.unknown] == 255).all()
    assert (kept[inside] == 0).all(axis=1).mean() > 0.95


def test_the_margins_show_the_border_and_the_model_sees_no_black() -> None:
    one = sketch((40, 30))
    shown = one.shown(np.full((30, 40, 3), 77, np.uint8))
    assert shown.shape == (*one.size[::-1], 3) and (shown == 77).all()


def test_a_picture_is_shown_where_it_lies() -> None:
    frame = margins(0.5, 0, 0.5, 0).frame((32, 64))
    one = Sketch(frame, (64, 64))
    rgb = np.random.default_rng(0).integers(0, 255, (64, 32, 3), np.uint8)
    np.testing.assert_array_equal(one.shown(rgb)[:, 16:48], rgb)
    assert one.unknown[:, :16].all() and one.unknown[:, 48:].all() and not one.unknown[:, 16:48].any()

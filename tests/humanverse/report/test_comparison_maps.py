"""Two maps of one picture, drawn to be compared by eye."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from humanverse.codec.maps import encode_depth, encode_normal
from humanverse.compare.measure import Said
from humanverse.report import comparison_maps
from humanverse.report.maps import NOTHING

IMAGE = {"width": 200, "height": 100}
SHAPE = (50, 100, 3)
"""Of the picture as it is drawn: half as large."""
WHOLE = (0.0, 0.0, 200.0, 100.0)
PART = (40.0, 20.0, 120.0, 80.0)
DEPTH = 2 + np.tile(np.arange(200) / 50, (100, 1)) + np.arange(100)[:, None] / 100


def depth(values: np.ndarray, kind: str, box: tuple[float, ...] = WHOLE, unit: str | None = None) -> Said:
    png, columns = encode_depth(values)
    row: dict[str, Any] = {**columns, "map_box": list(box), "depth_kind": kind, "unit": unit}
    return Said(row, {}, lambda: png)


@pytest.mark.parametrize("box", [PART, (-40.0, -20.0, 120.0, 80.0), (180.0, 90.0, 260.0, 130.0)])
def test_a_part_is_drawn_where_it_lies(box: tuple[float, float, float, float]) -> None:
    drawn = comparison_maps.placed(np.full((6, 8, 3), 9, np.uint8), box, IMAGE, SHAPE)
    expected = np.full(SHAPE, NOTHING, np.uint8)
    x0, y0, x1, y1 = (max(int(place / 2), 0) for place in box)
    expected[y0:y1, x0:x1] = 9
    np.testing.assert_array_equal(drawn, expected)


@pytest.mark.parametrize(
    ("values", "kind"),
    [((DEPTH - 3) / 7, "relative"), (3 / DEPTH + 0.2, "inverse"), (2 * DEPTH + 1, "metric")],
    ids=["relative", "inverse", "metric"],
)
def test_a_depth_that_differs_by_scale_and_shift_looks_the_same(values: np.ndarray, kind: str) -> None:
    """A is a part of the picture, with a hole; it has B's colours there and is grey elsewhere."""
    part = values[20:80, 40:120].copy()
    part[:10] = np.nan
    pair = depth(part, kind, PART), depth(DEPTH, "metric", unit="m")
    a, b = comparison_maps.draw("depth", pair, IMAGE, SHAPE)
    assert a is not None and b is not None
    np.testing.assert_allclose(a.rgb[16:40, 20:60].astype(int), b.rgb[16:40, 20:60].astype(int), atol=4)
    assert (a.rgb[:15] == NOTHING).all() and (a.rgb[:, :20] == NOTHING).all() and (a.rgb[:, 60:] == NOTHING).all()
    assert not (b.rgb == NOTHING).all(axis=2).any()
    common = DEPTH[30:80, 40:120]
    low, high = np.percentile(common, (2, 98))
    assert a.facts[1:] == b.facts == (("colours", f"{low:.3g} to {high:.3g} m in both"),)
    assert a.facts[0][0] == "aligned to B"


def test_the_range_is_that_of_both() -> None:
    """A has a spike where B is flat: the colours reach to it."""
    spiked = np.full((100, 200), 2.0)
    spiked[:, :100] = 6.0
    pair = depth(spiked, "metric"), depth(np.where(spiked > 3, 4.0, 2.0), "metric")
    a, b = comparison_maps.draw("depth", pair, IMAGE, SHAPE)
    assert a is not None and b is not None
    np.testing.assert_allclose(a.rgb.astype(int), b.rgb.astype(int), atol=4)
    assert a.rgb[0, 0].sum() > a.rgb[0, 99].sum()


def test_depths_without_common_pixels_have_their_own_colours() -> None:
    right = (100.0, 0.0, 200.0, 100.0)
    pair = depth(DEPTH[:, :80], "relative", (0.0, 0.0, 80.0, 100.0)), depth(DEPTH[:, 100:], "metric", right)
    a, b = comparison_maps.draw("depth", pair, IMAGE, SHAPE)
    assert a is not None and b is not None and a.facts == b.facts == ()
    assert (a.rgb[:, 40:] == NOTHING).all() and (b.rgb[:, :50] == NOTHING).all()
    empty = Said({**pair[0].row}, {}, lambda: None)
    assert comparison_maps.draw("depth", (empty, pair[1]), IMAGE, SHAPE)[0] is None


def test_normals_are_in_their_place_too() -> None:
    normal = np.zeros((30, 40, 3), np.float32)
    normal[:, :, 2] = 1
    png, columns = encode_normal(normal)
    said = [Said({**columns, "map_box": list(box)}, {}, lambda: png) for box in (PART, WHOLE)]
    a, b = comparison_maps.draw("normal", (said[0], said[1]), IMAGE, SHAPE)
    assert a is not None and b is not None
    assert (a.rgb[10:40, 20:60] == b.rgb[10:40, 20:60]).all() and (b.rgb == [128, 128, 255]).all()
    assert (a.rgb[:10] == NOTHING).all() and (a.rgb[:, 60:] == NOTHING).all()


def test_how_maps_are_drawn_is_said() -> None:
    assert "scale and shift" in comparison_maps.note("depth")
    assert "whole picture" in comparison_maps.note("segmentation")
    assert comparison_maps.note("pose") == ""

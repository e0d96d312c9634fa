"""Depth against maps of known error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from humanverse.codec.maps import encode_depth
from humanverse.compare.depth import Depth, errors
from humanverse.compare.measure import Pair, Said
from tests.humanverse.compare.rows import IMAGE, sides

DEPTH = 2 + 3 * np.random.default_rng(4).random((20, 40))
WHOLE = (0.0, 0.0, 200.0, 100.0)


def said(depth: np.ndarray, kind: str, box: tuple[float, ...] = WHOLE) -> Said:
    png, columns = encode_depth(depth)
    row: Mapping[str, Any] = {**columns, "map_box": list(box), "depth_kind": kind, "unit": "m"}
    return Said(row, {}, lambda: png)


def compared(a: Said, b: Said) -> tuple[float | None, dict[str, Any]]:
    measure = Depth(*sides("depth"))
    value = measure.add(Pair(IMAGE, a, b))
    return value, measure.findings().figures


def test_the_same_map_agrees() -> None:
    value, figures = compared(said(DEPTH, "metric"), said(DEPTH, "metric"))
    assert value == pytest.approx(0, abs=1e-6)
    assert figures["as_it_is"]["abs_rel"] == pytest.approx(0, abs=1e-6)
    assert figures["aligned"]["delta1"] == 1


def test_scale_and_shift_are_taken_out_and_metric_error_stays() -> None:
    value, figures = compared(said(2 * DEPTH + 1, "metric"), said(DEPTH, "metric"))
    assert value == pytest.approx(0, abs=1e-4)
    expected = errors((2 * DEPTH + 1).ravel(), DEPTH.ravel())
    assert figures["as_it_is"]["abs_rel"] == pytest.approx(expected["abs_rel"], rel=1e-4)
    assert figures["as_it_is"]["rmse"] == pytest.approx(np.sqrt(((DEPTH + 1) ** 2).mean()), rel=1e-4)
    assert figures["as_it_is"]["delta1"] == 0


@pytest.mark.parametrize(
    ("a", "kind_a", "b", "kind_b"),
    [
        (5 / DEPTH + 0.3, "inverse", DEPTH, "metric"),
        (DEPTH, "relative", 5 / DEPTH + 0.3, "inverse"),
        (3 / DEPTH, "inverse", 5 / DEPTH + 0.3, "inverse"),
        (0.1 * DEPTH - 0.1, "relative", DEPTH, "metric"),
    ],
    ids=["inverse against metric", "relative against inverse", "both inverse", "relative against metric"],
)
def test_other_quantities_are_brought_to_that_of_b(a: np.ndarray, kind_a: str, b: np.ndarray, kind_b: str) -> None:
    value, figures = compared(said(a, kind_a), said(b, kind_b))
    assert value == pytest.approx(0, abs=1e-3)
    assert "as_it_is" not in figures
    assert figures["kinds"] == {f"{kind_a} against {kind_b}": 1}


def test_known_errors() -> None:
    b = np.array([1.0, 2.0, 4.0, 8.0])
    a = np.array([1.2, 2.0, 2.0, -8.0])
    found = errors(a, b)
    assert found["abs_rel"] == pytest.approx((0.2 + 0 + 0.5 + 2) / 4)
    assert found["rmse"] == pytest.approx(np.sqrt((0.04 + 4 + 256) / 4))
    assert [found[f"delta{power}"] for power in (1, 2, 3)] == [0.5, 0.5, 0.5]
    assert errors(np.array([1.3]), np.array([1.0])) == pytest.approx(
        {"abs_rel": 0.3, "rmse": 0.3, "delta1": 0, "delta2": 1, "delta3": 1}
    )


def test_a_map_that_is_upside_down_is_no_agreement() -> None:
    value, figures = compared(said(-DEPTH, "relative"), said(DEPTH, "metric"))
    assert figures["negative_scale"] == 1
    assert value == pytest.approx(errors(np.full(DEPTH.size, DEPTH.mean()), DEPTH.ravel())["abs_rel"], rel=1e-4)


def test_maps_of_different_parts_and_sizes() -> None:
    """The left half at twice the resolution, and a border where there is nothing."""
    row = np.linspace(1, 3, 40)
    b = np.tile(row, (20, 1))
    a = np.tile(np.interp(np.arange(40) / 2 + 0.25, np.arange(40) + 0.5, row), (40, 1))
    a[:, :4] = np.nan
    value, figures = compared(said(a, "metric", (0.0, 0.0, 100.0, 100.0)), said(b, "metric"))
    assert value == pytest.approx(0, abs=1e-3)
    assert figures["as_it_is"]["abs_rel"] < 0.01


def test_scale_alone_is_the_ratio_of_the_medians() -> None:
    _, figures = compared(said(3 * DEPTH, "metric"), said(DEPTH, "metric"))
    assert figures["scaled"]["abs_rel"] == pytest.approx(0, abs=1e-4)
    shifted = DEPTH + 2
    _, figures = compared(said(shifted, "metric"), said(DEPTH, "metric"))
    expected = errors((shifted * np.median(DEPTH) / np.median(shifted)).ravel(), DEPTH.ravel())
    assert figures["aligned"]["abs_rel"] == pytest.approx(0, abs=1e-4)
    for name in ("abs_rel", "rmse", "delta1"):
        assert figures["scaled"][name] == pytest.approx(expected[name], rel=1e-3), name


@pytest.mark.parametrize(("kind_a", "kind_b"), [("relative", "metric"), ("inverse", "inverse"), ("metric", "inverse")])
def test_scale_alone_is_left_out_where_the_shift_is_unknown(kind_a: str, kind_b: str) -> None:
    _, figures = compared(said(DEPTH, kind_a), said(DEPTH, kind_b))
    assert "aligned" in figures and "scaled" not in figures and "as_it_is" not in figures


def test_scale_alone_is_left_out_where_a_median_is_not_positive() -> None:
    measure = Depth(*sides("depth"))
    for a in (DEPTH - 10, 2 * DEPTH):
        measure.add(Pair(IMAGE, said(a, "metric"), said(DEPTH, "metric")))
    figures = measure.findings().figures
    assert [figures[way]["pictures"] for way in ("aligned", "scaled", "as_it_is")] == [2, 1, 2]
    assert figures["scaled"]["abs_rel"] == pytest.approx(0, abs=1e-4)


def test_how_much_of_b_is_covered() -> None:
    """A knows the lower half of the left half; of B the first row is unknown."""
    a, b = DEPTH[:, :20].copy(), DEPTH.copy()
    a[:10], b[0] = np.nan, np.nan
    left = (0.0, 0.0, 100.0, 100.0)
    measure = Depth(*sides("depth"))
    measure.add(Pair(IMAGE, said(a, "metric", left), said(b, "metric")))
    assert measure.findings().covered == pytest.approx(10 * 20 / (19 * 40), rel=1e-6)
    measure.add(Pair(IMAGE, said(np.full((20, 40), np.nan), "metric"), said(b, "metric")))
    found = measure.findings()
    assert found.covered == pytest.approx(10 * 20 / (19 * 40) / 2, rel=1e-6), "a map without a pixel covers nothing"
    assert found.figures["without_common_pixels"] == 1 and "13.2% of B's pixels" in found.notes[1]


def test_headlines_are_of_the_aligned_map() -> None:
    measure = Depth(*sides("depth"))
    measure.add(Pair(IMAGE, said(2 * DEPTH + 1, "metric"), said(DEPTH, "metric")))
    assert [(item.name, item.arrow, item.text) for item in measure.findings().headlines] == [
        ("AbsRel", "↓", "0.000"), ("RMSE", "↓", "0.000"), ("δ<1.25", "↑", "1.000"),
    ]  # fmt: skip


def test_nothing_in_common() -> None:
    apart = said(DEPTH, "metric", (0.0, 0.0, 50.0, 100.0)), said(DEPTH, "metric", (60.0, 0.0, 200.0, 100.0))
    value, figures = compared(*apart)
    assert value is None
    assert figures["without_common_pixels"] == 1
    none = Said({"depth_kind": None, "map_box": None}, {}, lambda: None)
    assert compared(none, said(DEPTH, "metric"))[0] is None

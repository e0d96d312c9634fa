"""Depth against maps of known error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from humanverse.codec.maps import encode_depth
from humanverse.compare.depth import Depth, align, errors, fit
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


def test_the_fit_is_that_of_least_squares() -> None:
    random = np.random.default_rng(5)
    a = random.random(50)
    b = 3 * a - 1 + random.normal(0, 0.2, 50)
    expected, *_ = np.linalg.lstsq(np.column_stack([a, np.ones(50)]), b, rcond=None)
    np.testing.assert_allclose(fit(a, b)[:2], expected)
    assert fit(np.full(9, 7.0), np.arange(9.0)) == (0.0, 4.0, False)
    assert fit(-a, b) == (0.0, pytest.approx(b.mean()), True)


def test_an_aligned_inverse_depth_is_never_beyond_the_farthest() -> None:
    b = np.array([1.0, 2.0, 10.0, 10.0])
    found = align(np.array([1.0, 0.5, 0.1, -0.9]), b, True, False)
    assert found.values.max() <= 10 and (found.values > 0).all()


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


def test_nothing_in_common() -> None:
    apart = said(DEPTH, "metric", (0.0, 0.0, 50.0, 100.0)), said(DEPTH, "metric", (60.0, 0.0, 200.0, 100.0))
    value, figures = compared(*apart)
    assert value is None
    assert figures["without_common_pixels"] == 1
    none = Said({"depth_kind": None, "map_box": None}, {}, lambda: None)
    assert compared(none, said(DEPTH, "metric"))[0] is None

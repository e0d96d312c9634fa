"""Plain numbers: differences and correlations."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from humanverse.compare.scalars import COLUMNS, Scalars
from schemas.layers import KINDS
from tests.humanverse.compare.rows import measured, pair, sides


def test_differences_and_correlations() -> None:
    random = np.random.default_rng(7)
    a = random.random(40)
    b = a**3 + random.normal(0, 0.05, 40)
    measure = Scalars(*sides("aesthetic"))
    values = measured(measure, *(pair({"score": x}, {"score": y}) for x, y in zip(a, b, strict=True)))
    np.testing.assert_allclose(np.array(values, float), np.abs(a - b))
    figures = measure.findings().figures["score"]
    assert figures["mean_difference"] == pytest.approx((a - b).mean(), rel=1e-5)
    assert figures["pearson"] == pytest.approx(stats.pearsonr(a, b).statistic, rel=1e-5)
    assert figures["spearman"] == pytest.approx(stats.spearmanr(a, b).statistic, rel=1e-5)


def test_headlines_are_of_the_first_column() -> None:
    measure = Scalars(*sides("text"))
    assert [item.value for item in measure.findings().headlines] == [None, None]
    row = {"has_text": True}
    pairs = [({**row, "text_area_ratio": a}, {**row, "text_area_ratio": b}) for a, b in ((0.1, 0.2), (0.3, 0.4))]
    measured(measure, *(pair(*both) for both in pairs))
    assert [(item.name, item.arrow, item.text) for item in measure.findings().headlines] == [
        ("|A−B| text_area_ratio", "↓", "0.100"), ("Pearson", "↑", "1.000"),
    ]  # fmt: skip


def test_a_constant_has_no_correlation() -> None:
    measure = Scalars(*sides("safety"))
    measured(measure, *(pair({"unsafe": 0.1}, {"unsafe": value}) for value in (0.1, 0.2)))
    assert measure.findings().figures["unsafe"]["pearson"] is None


def test_columns_of_different_units_count_alike_and_nulls_not_at_all() -> None:
    columns = COLUMNS["quality"]
    one = dict.fromkeys(columns, 100.0) | {"jpeg_quality": None, "brightness": 0.5}
    other = dict.fromkeys(columns, 300.0) | {"jpeg_quality": 90, "brightness": 0.5}
    measure = Scalars(*sides("quality"))
    assert measured(measure, pair(one, other)) == [pytest.approx((4 * 0.5 + 0) / 5)]
    assert measure.findings().figures["jpeg_quality"] == {"pictures": 0}


def test_flags_are_numbers() -> None:
    measure = Scalars(*sides("text"))
    row = {"text_area_ratio": 0.1, "has_text": True}
    assert measured(measure, pair(row, {**row, "has_text": False})) == [0.0]
    assert measure.findings().figures["has_text"]["mean_difference"] == 1


@pytest.mark.parametrize("kind", COLUMNS)
def test_the_columns_are_the_schemas(kind: str) -> None:
    assert set(COLUMNS[kind]) <= {field.name for field in KINDS[kind].columns}

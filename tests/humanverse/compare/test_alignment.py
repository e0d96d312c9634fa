"""One depth brought to the scale of another."""

from __future__ import annotations

import numpy as np
import pytest

from humanverse.compare.alignment import align, alignment, scale_alone, scale_and_shift


def test_the_fit_is_that_of_least_squares() -> None:
    random = np.random.default_rng(5)
    a = random.random(50)
    b = 3 * a - 1 + random.normal(0, 0.2, 50)
    expected, *_ = np.linalg.lstsq(np.column_stack([a, np.ones(50)]), b, rcond=None)
    np.testing.assert_allclose(scale_and_shift(a, b)[:2], expected)
    assert scale_and_shift(np.full(9, 7.0), np.arange(9.0)) == (0.0, 4.0, False)
    assert scale_and_shift(-a, b) == (0.0, pytest.approx(b.mean()), True)


def test_an_aligned_inverse_depth_is_never_beyond_the_farthest() -> None:
    b = np.array([1.0, 2.0, 10.0, 10.0])
    found = align(np.array([1.0, 0.5, 0.1, -0.9]), b, True, False)
    assert found.values.max() <= 10 and (found.values > 0).all()


def test_an_alignment_is_also_of_other_values_than_those_it_was_fitted_to() -> None:
    b = np.array([1.0, 2.0, 5.0])
    assert alignment(2 * b + 1, b, False, False)(np.array([[np.nan, 7.0]]))[0, 1] == pytest.approx(3)
    found = alignment(1 / (2 / b), 1 / b, False, True)(np.array([4.0, -1.0, 0.0]))
    assert found[0] == pytest.approx(0.125) and np.isnan(found[1:]).all()
    assert alignment(3 / b, b, True, False)(np.array([1.5, -2.0])) == pytest.approx([2.0, 5.0])


def test_scale_alone_has_no_shift_and_no_negative_scale() -> None:
    b = np.array([2.0, 4.0, 9.0])
    assert scale_alone(np.array([1.0, 2.0, 100.0]), b) == (2.0, 0.0, False)
    assert scale_alone(np.array([-1.0, -2.0, -3.0]), b) == (0.0, 0.0, True)
    np.testing.assert_allclose(align(b / 5, b, False, False, scale_alone).values, b)


@pytest.mark.parametrize(("a_inverse", "b_inverse"), [(True, False), (False, True), (True, True)])
def test_scale_alone_of_inverse_depth(a_inverse: bool, b_inverse: bool) -> None:
    depth = np.array([1.0, 2.0, 4.0, 5.0, 8.0])
    a, b = 3 / depth if a_inverse else 3 * depth, 1 / depth if b_inverse else depth
    np.testing.assert_allclose(align(a, b, a_inverse, b_inverse, scale_alone).values, b)

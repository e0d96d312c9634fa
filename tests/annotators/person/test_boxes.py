"""Box arithmetic against counting pixels."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from annotators.person.boxes import areas, clipped, overlap, person_row, suppressed, union_area

SIDE = 24

corner = st.integers(-5, SIDE + 5)
boxes_of_any_kind = st.lists(st.tuples(corner, corner, corner, corner), max_size=6).map(
    lambda rows: np.array([(min(a, c), min(b, d), max(a, c), max(b, d)) for a, b, c, d in rows], float).reshape(-1, 4)
)


def painted(boxes: np.ndarray) -> np.ndarray:
    """bool (n, SIDE, SIDE): the pixels of each box inside the picture."""
    masks = np.zeros((len(boxes), SIDE, SIDE), bool)
    for mask, (x0, y0, x1, y1) in zip(masks, clipped(boxes, SIDE, SIDE).astype(int), strict=True):
        mask[y0:y1, x0:x1] = True
    return masks


@given(boxes_of_any_kind)
def test_areas_and_union_are_the_pixels_covered(boxes: np.ndarray) -> None:
    inside = clipped(boxes, SIDE, SIDE)
    masks = painted(boxes)
    assert areas(inside).tolist() == masks.sum(axis=(1, 2)).tolist()
    assert union_area(inside) == masks.any(axis=0).sum()


@given(boxes_of_any_kind, boxes_of_any_kind)
def test_overlap_is_shared_over_all_pixels(boxes: np.ndarray, others: np.ndarray) -> None:
    found = overlap(clipped(boxes, SIDE, SIDE), clipped(others, SIDE, SIDE))
    one, other = painted(boxes)[:, None], painted(others)[None]
    shared, total = (one & other).sum(axis=(2, 3)), (one | other).sum(axis=(2, 3))
    np.testing.assert_allclose(found, shared / np.maximum(total, 1))


def test_suppression_keeps_the_best_of_those_that_overlap() -> None:
    boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [20, 0, 30, 10], [0, 0, 10, 5]], float)
    assert suppressed(boxes, np.array([0.5, 0.9, 0.1, 0.7]), 0.6).tolist() == [1, 3, 2]
    assert suppressed(boxes, np.array([0.5, 0.9, 0.1, 0.7]), 0.4).tolist() == [1, 2]
    assert suppressed(boxes[:0], np.zeros(0), 0.5).tolist() == []


def test_the_row_is_clipped_sorted_and_above_the_floor() -> None:
    boxes = np.array([[10, 10, 20, 30], [-50, -20, 50, 25], [120, 0, 130, 10], [0, 0, 5, 5]])
    row = person_row(boxes, np.array([0.3, 0.9, 0.8, 0.1]), width=100, height=50, min_score=0.2)
    assert row["boxes"] == [[0, 0, 50, 25], [10, 10, 20, 30]]
    np.testing.assert_allclose(row["scores"], [0.9, 0.3])
    assert row["area_ratios"] == [50 * 25 / 5000, 200 / 5000]
    assert row["union_area_ratio"] == (50 * 25 + 10 * 5) / 5000


def test_nobody_is_an_answer() -> None:
    row = person_row(np.zeros((0, 4)), np.zeros(0), 10, 10, 0.2)
    assert row == {"boxes": [], "scores": [], "area_ratios": [], "union_area_ratio": 0.0}

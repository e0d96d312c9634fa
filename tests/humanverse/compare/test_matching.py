"""Boxes and who is who."""

from __future__ import annotations

import numpy as np

from humanverse.compare.matching import iou, lie_in, one_to_one


def test_iou_is_that_of_pycocotools() -> None:
    from pycocotools import mask

    random = np.random.default_rng(3)
    corners = np.sort(random.uniform(0, 60, (30, 2, 2)), axis=1)
    a, b = corners.reshape(30, 4)[:18], corners.reshape(30, 4)[12:]
    wide = [np.column_stack([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]]) for boxes in (a, b)]
    np.testing.assert_allclose(iou(a, b), mask.iou(wide[0], wide[1], [0] * len(b)), atol=1e-9)
    assert iou(a, b)[12, 0] == 1


def test_iou_of_boxes_without_area_is_nought() -> None:
    nothing = np.array([[5.0, 5.0, 5.0, 9.0]])
    assert iou(nothing, nothing).tolist() == [[0.0]]


def test_the_assignment_is_the_best_in_all_and_not_greedy() -> None:
    similarity = np.array([[0.9, 0.8], [0.8, 0.1]])
    rows, columns = one_to_one(similarity, 0.1)
    assert sorted(zip(rows.tolist(), columns.tolist(), strict=True)) == [(0, 1), (1, 0)]


def test_pairs_below_the_least_are_none() -> None:
    rows, _ = one_to_one(np.array([[0.9, 0.0], [0.0, 0.2]]), 0.5)
    assert rows.tolist() == [0]
    assert [len(side) for side in one_to_one(np.zeros((0, 3)), 0.1)] == [0, 0]


def test_half_of_a_box_inside_another() -> None:
    boxes = np.array([[0.0, 0.0, 10.0, 10.0], [4.0, 0.0, 14.0, 10.0], [6.0, 0.0, 16.0, 10.0]])
    assert lie_in(boxes, np.array([[0.0, 0.0, 10.0, 10.0]])) == 2
    assert lie_in(boxes, np.zeros((0, 4))) == 0

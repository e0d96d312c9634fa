"""Rows into a canvas and back: exact for every kind."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from annotators.base import Row, Unavailable
from annotators.outpaint.canvas import Frame
from annotators.outpaint.mapping import (
    labels_back,
    map_back,
    map_into,
    person_back,
    person_into,
    pose_back,
    reaching,
)
from schemas.skeletons import WHOLEBODY

FRAME = Frame((100, 60), left=25, top=8, right=20, bottom=30)
RNG = np.random.default_rng(0)


def person(*boxes: tuple[float, float, float, float], **more: object) -> Row:
    scores = [0.9 - 0.1 * index for index in range(len(boxes))]
    row = {"status": "ok", "boxes": [list(box) for box in boxes], "scores": scores}
    return {**row, "area_ratios": [], "union_area_ratio": 0.0, **more}


def test_boxes_inside_go_there_and_back_exactly() -> None:
    corners = RNG.uniform([5, 5, 50, 30], [40, 25, 95, 55], (20, 4)).astype(np.float32).astype(float)
    row = person(*map(tuple, corners.tolist()))
    into = person_into(row, FRAME, reach=1)
    np.testing.assert_array_equal(np.array(into["boxes"]) - [25, 8, 25, 8], corners)
    back = person_back(into, FRAME)
    np.testing.assert_array_equal(back["boxes"], corners)
    areas = (corners[:, 2] - corners[:, 0]) * (corners[:, 3] - corners[:, 1])
    np.testing.assert_allclose(back["area_ratios"], areas / 6000, rtol=1e-12)
    assert back["scores"] == row["scores"]


def test_boxes_that_reach_into_the_margins_are_cut_off_and_those_outside_are_left_out() -> None:
    outside = (0, 0, 25, 98)
    row = person((0, 0, 145, 98), outside, (20, 50, 30, 90), (124.5, 8, 130, 9), crowd=[True, False, False, True])
    back = person_back(row, FRAME)
    assert back["boxes"] == [[0, 0, 100, 60], [0, 42, 5, 60], [99.5, 0, 100, 1]]
    np.testing.assert_allclose(back["scores"], [0.9, 0.7, 0.6])
    assert back["crowd"] == [True, False, True] and back["areas"] is None
    np.testing.assert_allclose(back["area_ratios"], [1, 90 / 6000, 0.5 / 6000])
    assert back["union_area_ratio"] == 1


def test_nobody_stays_nobody_and_a_failed_row_as_it_is() -> None:
    assert person_back(person(), FRAME)["boxes"] == [] == person_into(person(), FRAME, 1)["boxes"]
    failed = {"status": "failed", "reason": "x", "boxes": None}
    assert person_into(failed, FRAME, 1) is failed


@pytest.mark.parametrize(
    ("box", "reach", "wanted"),
    [
        ((20, 10, 40, 50), 1, (45, 18, 65, 58)),
        ((20, 10, 40, 60), 1, (45, 18, 65, 98)),
        ((20, 50, 40, 60), 1, (45, 58, 65, 78)),
        ((20, 50, 40, 60), 2, (45, 58, 65, 88)),
        ((20, 50, 40, 60), 0, (45, 58, 65, 68)),
        ((0.9, 10, 10, 50), 1, (25.9 - 9.1, 18, 35, 58)),
        ((1.1, 10, 10, 50), 1, (26.1, 18, 35, 58)),
        ((80, 0, 99.5, 30), 1, (105, 0, 144, 38)),
        ((0, 0, 100, 60), 1, (0, 0, 145, 98)),
    ],
)
def test_a_box_that_is_cut_off_at_an_edge_goes_on_behind_it(
    box: tuple[float, ...], reach: float, wanted: tuple[float, ...]
) -> None:
    np.testing.assert_allclose(reaching(np.array([box], float), FRAME, reach), [wanted], atol=1e-12)


def pose(points: np.ndarray, present: np.ndarray) -> Row:
    return {"keypoints": [points.ravel().tolist()], "present": [present.tolist()], "scores": [0.5]}


def test_points_come_back_exactly_and_those_outside_are_not_found() -> None:
    points = np.column_stack([RNG.integers(0, 145 * 8, 133) / 8, RNG.integers(0, 98 * 8, 133) / 8, np.full(133, 0.5)])
    present = np.arange(133) % 7 != 0
    points[~present] = 0
    row = pose_back(pose(points, present), FRAME)
    got, moved = np.array(row["keypoints"]).reshape(133, 3), points[:, :2] - [25, 8]
    inside = present & ((moved >= 0) & (moved <= [100, 60])).all(axis=1)
    np.testing.assert_array_equal(got[inside], np.column_stack([moved, points[:, 2]])[inside])
    assert (got[~inside] == 0).all() and 20 < inside.sum() < 110
    assert row["present"] == [present.tolist()]
    np.testing.assert_allclose(row["scores"], got[:17, 2][present[:17]].mean())


def test_what_was_not_found_stays_so() -> None:
    points = np.zeros((len(WHOLEBODY), 3))
    points[0] = 60, 40, 0
    points[1] = 25, 8, 0.25
    points[2] = 125, 68, 0.25
    points[3] = 125.5, 68, 0.25
    got = np.array(pose_back(pose(points, np.ones(133, bool)), FRAME)["keypoints"]).reshape(133, 3)
    np.testing.assert_array_equal(got[:4], [[0, 0, 0], [0, 0, 0.25], [100, 60, 0.25], [0, 0, 0]])
    assert (got[4:] == 0).all()


@pytest.mark.parametrize(
    "frame", [FRAME, Frame((7, 5), 2, 0, 3, 4), Frame((1, 1), 1, 1, 1, 1), Frame((33, 20), 0, 0, 0, 7)]
)
def test_a_map_with_a_cell_for_each_pixel_comes_back_as_the_pictures_part(frame: Frame) -> None:
    width, height = frame.canvas
    values = RNG.uniform(size=(height, width)).astype(np.float32)
    row = map_back({"map": values, "unit": "m"}, frame)
    assert isinstance(row, dict)
    x0, y0, x1, y1 = frame.box
    np.testing.assert_array_equal(row["map"], values[y0:y1, x0:x1])
    assert row["map_box"] == [0, 0, *frame.size] and row["unit"] == "m"


@pytest.mark.parametrize("shape", [(98, 145), (49, 29), (37, 53), (200, 311), (13, 9), (4, 5)])
@pytest.mark.parametrize("box", [None, (0, 0, 145, 98), (20.5, 3.25, 133.75, 80)])
def test_no_value_moves_and_no_whole_cell_is_lost(
    shape: tuple[int, int], box: tuple[float, float, float, float] | None
) -> None:
    values = np.arange(shape[0] * shape[1], dtype=np.float32).reshape(shape)
    row = map_back({"map": values, "map_box": box}, FRAME)
    assert isinstance(row, dict)
    whole = [Fraction(edge) for edge in box or (0, 0, 145, 98)]
    pitch = [(whole[2 + axis] - whole[axis]) / shape[1 - axis] for axis in (0, 1)]
    for axis, (moved, size) in enumerate(zip(FRAME.offset, FRAME.size, strict=True)):
        along = values if axis == 0 else values.T
        edges = [whole[axis] + index * pitch[axis] - moved for index in range(shape[1 - axis] + 1)]
        inside = [index for index in range(len(edges) - 1) if edges[index] >= 0 and edges[index + 1] <= size]
        cut = row["map"] if axis == 0 else row["map"].T
        assert cut.shape[1] == len(inside)
        assert set(cut[0]) <= set(along[:, inside].ravel())
        assert row["map_box"][axis] == float(edges[inside[0]]) and row["map_box"][axis + 2] == float(
            edges[inside[-1] + 1]
        )
    cells = (
        np.diff(row["map_box"][::2])[0] / row["map"].shape[1],
        np.diff(row["map_box"][1::2])[0] / row["map"].shape[0],
    )
    np.testing.assert_allclose(cells, [float(side) for side in pitch], rtol=1e-12)


def test_a_map_whose_cells_are_larger_than_the_picture_says_nothing_of_it() -> None:
    answer = map_back({"map": np.ones((2, 2), np.float32)}, Frame((3, 3), 2, 2, 2, 2))
    assert isinstance(answer, Unavailable) and "too coarse" in answer.reason


def test_labels_that_are_left_keep_their_names() -> None:
    ids = np.full((98, 145), 7, np.uint8)
    ids[8:68, 25:125] = 255
    ids[10:20, 30:40] = 3
    ids[20:30, 30:40] = 12
    row = labels_back({"map": ids, "label_names": ["hair", "margin", "shoe"]}, FRAME)
    assert isinstance(row, dict) and row["label_names"] == ["hair", "shoe"]
    np.testing.assert_array_equal(row["map"], ids[8:68, 25:125])


def test_a_map_that_is_read_lies_on_the_canvas_where_the_picture_does() -> None:
    row = {"status": "ok", "map": b"png", "map_box": [0.5, 1.0, 99.5, 60.0]}
    assert map_into(row, FRAME, 1) == {**row, "map_box": [25.5, 9.0, 124.5, 68.0]}
    failed = {"status": "failed", "reason": "x", "map_box": None}
    assert map_into(failed, FRAME, 1) is failed

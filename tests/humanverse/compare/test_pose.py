"""Poses: who is who, part by part, and what does not count."""

from __future__ import annotations

import numpy as np
import pytest

from humanverse.compare.oks import oks
from humanverse.compare.pose import SIGMAS, Pose
from humanverse.errors import DatasetError
from schemas.skeletons import PARTS, WHOLEBODY
from tests.humanverse.compare.rows import measured, pair, person, pose, sides

LEFT, RIGHT = [10.0, 10.0, 50.0, 90.0], [120.0, 10.0, 160.0, 90.0]


def somebody(box: list[float], seed: int = 0) -> np.ndarray:
    """133 x (x, y, 0.9) in a box."""
    points = np.random.default_rng(seed).uniform(box[:2], box[2:], (len(WHOLEBODY), 2))
    return np.column_stack([points, np.full(len(WHOLEBODY), 0.9)])


def figures(measure: Pose) -> dict:
    return measure.findings().figures


def test_the_same_poses_agree_in_every_part() -> None:
    measure = Pose(*sides("pose"))
    row, boxes = pose([somebody(LEFT), somebody(RIGHT, 1)]), person([LEFT, RIGHT])
    assert measured(measure, pair(row, row, boxes, boxes)) == [pytest.approx(0)]
    for name, part in figures(measure)["parts"].items():
        assert part["people"] == 2 and part["oks"] == pytest.approx(1), name
        assert part["points_only_in_a"] == part["points_only_in_b"] == 0
        assert part["distance_of_points_in_both"] == 0
    assert figures(measure)["parts"]["face"]["points_in_both"] == 136


def test_people_are_found_again_in_another_order_and_their_oks_is_that_of_the_box() -> None:
    a, b = [somebody(RIGHT, 1), somebody(LEFT)], [somebody(LEFT), somebody(RIGHT, 1)]
    a[0][:17, 0] += 3
    measure = Pose(*sides("pose"))
    measured(measure, pair(pose(a), pose(b), person([RIGHT, LEFT]), person([LEFT, RIGHT])))
    boxes = np.array([LEFT, RIGHT])
    area = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    xy = [np.stack([points[:17, :2] for points in people]) for people in (a, b)]
    expected = oks(xy[0], xy[1], np.ones((2, 17), bool), area, boxes, SIGMAS[:17])
    assert figures(measure)["parts"]["body"]["oks"] == pytest.approx((expected[0, 1] + expected[1, 0]) / 2, rel=1e-6)
    assert figures(measure)["people"]["matched"] == 2


def test_areas_of_masks_come_before_those_of_boxes() -> None:
    moved = somebody(LEFT)
    moved[:17, 0] += 4
    found = []
    for areas in (None, [1000.0]):
        measure = Pose(*sides("pose"))
        measured(measure, pair(pose([moved]), pose([somebody(LEFT)]), person([LEFT]), person([LEFT], areas=areas)))
        found.append((figures(measure)["parts"]["body"]["oks"], figures(measure)["areas"]))
    assert found[0][0] > found[1][0] > 0
    assert [areas for _, areas in found] == ["boxes", "masks"]


def test_parts_that_a_does_not_cover_have_no_oks() -> None:
    only_body = np.arange(133) < 17
    measure = Pose(*sides("pose"))
    covered = somebody(LEFT)
    covered[~only_body] = 0
    measured(measure, pair(pose([covered], [only_body]), pose([somebody(LEFT)]), person([LEFT]), person([LEFT])))
    parts = figures(measure)["parts"]
    assert parts["body"]["oks"] == pytest.approx(1)
    assert parts["feet"]["people"] == 0 and parts["feet"]["oks"] is None
    assert parts["feet"]["points_only_in_b"] == len(PARTS["feet"])


def test_points_of_low_confidence_are_not_had() -> None:
    doubtful = somebody(LEFT)
    doubtful[:5, 2] = 0.2
    measure = Pose(*sides("pose"))
    measured(measure, pair(pose([somebody(LEFT)]), pose([doubtful])))
    assert figures(measure)["parts"]["body"]["points_only_in_a"] == 5


def test_missing_extra_and_nobody() -> None:
    measure = Pose(*sides("pose"))
    one, two = [somebody(LEFT)], [somebody(LEFT), somebody(RIGHT, 1)]
    values = measured(
        measure,
        pair(pose(one), pose(two), person([LEFT]), person([LEFT, RIGHT])),
        pair(pose(two), pose([]), person([LEFT, RIGHT]), person([])),
        pair(pose([]), pose([]), person([]), person([])),
    )
    assert values == [pytest.approx(0.5), 1.0, None]
    people = figures(measure)["people"]
    assert (people["people_a"], people["people_b"], people["only_a"], people["only_b"]) == (3, 2, 2, 1)


def test_who_stands_where_truth_has_no_labels_is_not_extra() -> None:
    measure = Pose(*sides("pose", truth=True))
    unlabelled = np.zeros((133, 3))
    truth = pose([somebody(LEFT), unlabelled, unlabelled], [np.ones(133, bool), *[np.zeros(133, bool)] * 2])
    found = pose([somebody(LEFT), somebody(RIGHT, 1), somebody([60.0, 60.0, 90.0, 99.0], 2)])
    boxes = person([LEFT, RIGHT, [60.0, 60.0, 90.0, 99.0]])
    marked = person([LEFT, RIGHT, [55.0, 55.0, 95.0, 100.0]], [1.0] * 3, crowd=[False, False, True])
    assert measured(measure, pair(found, truth, boxes, marked)) == [pytest.approx(0)]
    people = figures(measure)["people"]
    assert (people["people_a"], people["people_b"], people["untold"]) == (1, 1, 2)
    assert figures(measure)["coco"]["body"]["AP"] == pytest.approx(1)


def test_a_layer_with_other_people_than_its_boxes_is_damaged() -> None:
    measure = Pose(*[type(side)(side.layer, {}, {"person": "person/x"}) for side in sides("pose")])
    with pytest.raises(DatasetError, match="other people than person/x"):
        measure.add(pair(pose([somebody(LEFT)]), pose([]), person([]), person([])))


def test_who_says_nothing_of_a_part_is_no_false_detection_of_it() -> None:
    """One person with feet in the truth; of two detections the surer one has no feet at all."""
    measure = Pose(*sides("pose", truth=True))
    bodiless = somebody(LEFT)
    bodiless[17:] = 0
    found = pose([bodiless, somebody(LEFT)], [np.arange(133) < 17, np.ones(133, bool)])
    boxes = person([LEFT, LEFT], [0.9, 0.5])
    measured(measure, pair(found, pose([somebody(LEFT)]), boxes, person([LEFT], [1.0])))
    assert figures(measure)["coco"]["feet"]["AP"] == pytest.approx(1)


def test_both_hands_are_evaluated_together_too() -> None:
    measure = Pose(*sides("pose", truth=True))
    row, boxes = pose([somebody(LEFT)]), person([LEFT], [1.0])
    measured(measure, pair(row, row, boxes, boxes))
    parts = figures(measure)["parts"]
    assert [parts[name]["points_in_both"] for name in ("left_hand", "right_hand", "hands")] == [21, 21, 42]
    assert list(figures(measure)["coco"]) == [
        "body", "feet", "face", "left_hand", "right_hand", "hands", "whole body",
    ]  # fmt: skip


def test_covered_are_the_points_of_all_of_its_people() -> None:
    """Of two people with 133 points each A has 17 of one."""
    only_body = np.arange(133) < 17
    seen = somebody(LEFT)
    seen[~only_body] = 0
    truth = pose([somebody(LEFT), somebody(RIGHT, 1)])
    measure = Pose(*sides("pose", truth=True))
    measured(measure, pair(pose([seen], [only_body]), truth, person([LEFT]), person([LEFT, RIGHT], [1.0, 1.0])))
    found = measure.findings()
    assert found.covered == pytest.approx(17 / 266)
    assert [item.name for item in found.headlines] == ["AP body", "AP whole", "OKS body"]
    assert [item.name for item in Pose(*sides("pose")).findings().headlines] == ["OKS body", "OKS whole"]

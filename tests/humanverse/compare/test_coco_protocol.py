"""COCO's protocol without pycocotools, counted by hand; its agreement with pycocotools is in test_coco_figures."""

from __future__ import annotations

import numpy as np
import pytest

from humanverse.compare import coco_protocol
from humanverse.compare.coco_items import Found, Truth

BOX = np.array([0.0, 0.0, 100.0, 100.0])


def shifted(right: float) -> np.ndarray:
    return BOX + np.array([right, 0.0, right, 0.0])


def figures(truth: list[Truth], found: list[Found]) -> dict[str, float]:
    return coco_protocol.figures("bbox", coco_protocol.judge("bbox", None, [(truth, found)]))


def test_a_box_counts_up_to_its_iou() -> None:
    """100 wide, moved by 20: IoU 80 / 120, found at the thresholds 0.5, 0.55, 0.6 and 0.65 of ten."""
    made = figures([Truth(BOX, 1e4, False)], [Found(0.9, shifted(20))])
    assert (made["AP"], made["AR"]) == (pytest.approx(0.4), pytest.approx(0.4))
    assert (made["AP50"], made["AP75"], made["AP-L"], made["AP-M"]) == (pytest.approx(1), 0, pytest.approx(0.4), -1)


def test_a_surer_false_box_halves_precision() -> None:
    away = Found(0.95, shifted(500))
    assert figures([Truth(BOX, 1e4, False)], [Found(0.9, BOX), away])["AP"] == pytest.approx(0.5)
    assert figures([Truth(BOX, 1e4, False)], [Found(0.99, BOX), away])["AP"] == pytest.approx(1)


def test_half_of_the_people_are_51_of_101_recalls() -> None:
    made = figures([Truth(BOX, 1e4, False), Truth(shifted(500), 1e4, False)], [Found(0.9, BOX)])
    assert (made["AP"], made["AR"]) == (pytest.approx(51 / 101), 0.5)


def test_who_stands_in_a_crowd_does_not_count() -> None:
    crowd = Truth(np.array([200.0, 0.0, 600.0, 100.0]), 4e4, True)
    inside = [Found(0.95, shifted(place)) for place in (210, 320, 450)]
    assert figures([Truth(BOX, 1e4, False), crowd], [Found(0.9, BOX), *inside])["AP"] == pytest.approx(1)


def test_nobody_found() -> None:
    made = figures([Truth(BOX, 1e4, False)], [])
    assert (made["AP"], made["AR"], made["AP-S"]) == (0, 0, -1)


def test_points_without_labels_need_not_be_found() -> None:
    points = np.zeros((17, 2))
    unlabelled = Truth(BOX, 1e4, False, (points, np.zeros(17, bool)))
    labelled = Truth(BOX, 1e4, False, (points, np.ones(17, bool)))
    sigmas = np.full(17, 0.05)
    for truth, expected in ((unlabelled, -1.0), (labelled, 1.0)):
        judged = coco_protocol.judge("keypoints", sigmas, [([truth], [Found(0.5, points=points)])])
        assert coco_protocol.figures("keypoints", judged)["AP"] == pytest.approx(expected)

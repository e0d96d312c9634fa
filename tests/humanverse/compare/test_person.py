"""Person boxes: who is in both, crowds, counts."""

from __future__ import annotations

import pytest

from humanverse.compare.person import Person
from tests.humanverse.compare.rows import measured, pair, person, sides

LEFT, RIGHT = [10.0, 10.0, 50.0, 90.0], [120.0, 10.0, 160.0, 90.0]


def test_the_same_boxes_agree() -> None:
    measure = Person(*sides("person"))
    row = person([LEFT, RIGHT])
    assert measured(measure, pair(row, row)) == [0.0]
    figures = measure.findings().figures
    assert (figures["recall_at_0.5"], figures["precision_at_0.5"], figures["iou"]["mean"]) == (1.0, 1.0, 1.0)
    assert figures["pictures"]["equal_counts"] == 1


def test_missing_and_extra_people() -> None:
    measure = Person(*sides("person"))
    shifted = [10.0, 10.0, 50.0, 50.0]
    values = measured(
        measure,
        pair(person([LEFT]), person([LEFT, RIGHT])),
        pair(person([RIGHT, LEFT]), person([shifted])),
        pair(person([]), person([LEFT])),
        pair(person([]), person([])),
    )
    assert values == [pytest.approx(0.5), pytest.approx(0.75), 1.0, None]
    figures = measure.findings().figures
    assert figures["people"] == {
        "people_a": 3, "people_b": 4, "matched": 2, "in_a_crowd": 0, "only_a": 1, "only_b": 2,
    }  # fmt: skip
    assert (figures["recall_at_0.5"], figures["precision_at_0.5"]) == (0.5, pytest.approx(2 / 3))
    assert figures["pictures"] == {
        "compared": 4, "equal_counts": 1, "somebody_in_both": 2, "only_in_a": 0, "only_in_b": 1,
    }  # fmt: skip


def test_boxes_below_the_score_do_not_count() -> None:
    measure = Person(*sides("person", counted_from=0.4))
    row = person([LEFT, RIGHT], [0.9, 0.2])
    measured(measure, pair(row, person([LEFT])))
    assert measure.findings().figures["people"]["people_a"] == 1
    assert "A's from score 0.4 on" in measure.findings().notes[0]


def test_nobody_is_needed_in_a_crowd() -> None:
    measure = Person(*sides("person", truth=True))
    truth = person([LEFT, [100.0, 0.0, 200.0, 100.0]], [1.0, 1.0], crowd=[False, True])
    assert measured(measure, pair(person([LEFT, RIGHT]), truth)) == [0.0]
    people = measure.findings().figures["people"]
    assert (people["people_a"], people["people_b"], people["in_a_crowd"], people["only_a"]) == (1, 1, 1, 0)


def test_nobody_at_all_gives_no_figures() -> None:
    measure = Person(*sides("person", truth=True))
    assert measured(measure, pair(person([]), person([]))) == [None]
    found = measure.findings()
    assert found.figures["recall_at_0.5"] is None
    assert found.figures["coco"] == {}
    assert [(item.name, item.value) for item in found.headlines] == [
        ("recall", None),
        ("precision", None),
        ("IoU", None),
    ]


def test_headlines_are_coco_s_where_there_is_truth() -> None:
    row = person([LEFT, RIGHT], [1.0, 1.0])
    for truth, names in ((True, ["AP", "AP50", "AR"]), (False, ["recall", "precision", "IoU"])):
        measure = Person(*sides("person", truth))
        measured(measure, pair(person([LEFT]), row))
        found = measure.findings()
        assert [item.name for item in found.headlines] == names
        assert found.covered == 0.5

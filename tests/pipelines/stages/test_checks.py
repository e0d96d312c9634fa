"""Each rule of the gate, with what it says it measured."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from humanverse.codec import Prepared, encode_jpeg, prepare
from pipelines.stages import checks
from schemas.ledger import Failure
from schemas.recipe import GateSettings, ImageSettings

LEFT, RIGHT, SMALL = [0, 0, 50, 50], [50, 0, 100, 50], [0, 0, 10, 10]


@pytest.fixture(scope="module")
def prepared() -> Prepared:
    found = prepare(encode_jpeg(np.zeros((100, 100, 3), np.uint8), 90), ImageSettings())
    assert isinstance(found, Prepared)
    return found


def rows(*people: tuple[list[int], float], **others: dict[str, Any]) -> dict[str, dict[str, Any]]:
    person = {"status": "ok", "boxes": [box for box, _ in people], "scores": [score for _, score in people]}
    return {"person": person, **others}


def gate(**settings: Any) -> GateSettings:
    return GateSettings(**{"min_area_ratio": None, **settings})


@pytest.mark.parametrize(
    ("settings", "said", "expected"),
    [
        ({}, rows((LEFT, 0.4)), None),
        ({}, rows(), Failure("too_few_people", "0 < 1 at score >= 0.4 (nothing seen)")),
        ({}, rows((LEFT, 0.39)), Failure("too_few_people", "0 < 1 at score >= 0.4 (best 0.39)")),
        ({"min_people": 0}, rows(), None),
        ({"max_people": 1}, rows((LEFT, 0.9), (RIGHT, 0.3)), None),
        (
            {"max_people": 1},
            rows((LEFT, 0.9), (RIGHT, 0.8)),
            Failure("too_many_people", "2 > 1 at score >= 0.4"),
        ),
        ({"max_people": None}, rows(*[(LEFT, 0.9)] * 50), None),
    ],
)
def test_people_are_counted_from_their_score_on(
    prepared: Prepared, settings: dict, said: dict, expected: Failure | None
) -> None:
    assert checks.judge(prepared, said, gate(**settings)) == expected


@pytest.mark.parametrize(
    ("rule", "people", "measured"),
    [
        ("union", [LEFT, RIGHT], 0.5),
        ("union", [LEFT, LEFT], 0.25),
        ("union", [LEFT, SMALL], 0.25),
        ("each", [LEFT, RIGHT], 0.25),
        ("each", [LEFT, SMALL], 0.01),
    ],
)
def test_the_area_that_people_fill(prepared: Prepared, rule: str, people: list, measured: float) -> None:
    said = rows(*[(box, 0.9) for box in people])
    assert checks.judge(prepared, said, gate(person_area=rule, min_area_ratio=measured)) is None
    limit = round(measured + 0.001, 3)
    refused = Failure("person_area", f"{measured:.3f} < {limit} ({rule})")
    assert checks.judge(prepared, said, gate(person_area=rule, min_area_ratio=limit)) == refused


def test_boxes_below_the_score_add_no_area(prepared: Prepared) -> None:
    said = rows((SMALL, 0.9), (LEFT, 0.1))
    refused = checks.judge(prepared, said, gate(min_area_ratio=0.15))
    assert refused == Failure("person_area", "0.010 < 0.15 (union)")


def test_without_people_there_is_no_area_to_judge(prepared: Prepared) -> None:
    assert checks.judge(prepared, rows(), gate(min_people=0, min_area_ratio=0.15)) is None


@pytest.mark.parametrize(
    ("kind", "row", "limit", "expected"),
    [
        ("aesthetic", {"score": 4.5}, {"min_aesthetic": 4.5}, None),
        ("aesthetic", {"score": 4.4}, {"min_aesthetic": 4.5}, Failure("aesthetic", "4.40 < 4.5")),
        ("aesthetic", {"score": 0.0}, {"min_aesthetic": None}, None),
        ("safety", {"unsafe": 0.3}, {"max_unsafe": 0.3}, None),
        ("safety", {"unsafe": 0.31}, {"max_unsafe": 0.3}, Failure("unsafe", "0.31 > 0.3")),
        ("safety", {"unsafe": 1.0}, {"max_unsafe": None}, None),
    ],
)
def test_scores_are_held_against_their_limits(
    prepared: Prepared, kind: str, row: dict, limit: dict, expected: Failure | None
) -> None:
    said = rows((LEFT, 0.9), **{kind: {"status": "ok", **row}})
    assert checks.judge(prepared, said, gate(**limit)) == expected


@pytest.mark.parametrize("status", ["failed", "unavailable"])
def test_what_an_estimator_could_not_judge_is_not_kept(prepared: Prepared, status: str) -> None:
    said = {"person": {"status": status, "reason": "ValueError: odd", "boxes": None, "scores": None}}
    assert checks.judge(prepared, said, gate()) == Failure("gate_error", "person: ValueError: odd")


def test_the_shorter_side_decides_on_the_size(prepared: Prepared) -> None:
    assert checks.size(prepared, gate(min_side=100)) is None
    assert checks.size(prepared, gate(min_side=101)) == Failure("too_small", "100x100, a side < 101")


def test_a_layer_without_a_threshold_need_not_be_made_before_the_gate() -> None:
    assert checks.kinds_needed(gate()) == ["person"]
    assert checks.kinds_needed(gate(min_aesthetic=0.0, max_unsafe=0.0)) == ["person", "aesthetic", "safety"]

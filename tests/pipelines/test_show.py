"""How results are told."""

from __future__ import annotations

import json

import pytest

from annotators import registry
from pipelines import show
from pipelines.build import Result
from pipelines.stages.base import Done


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (3_100_000, "3.1 MB"), (2.5e12, "2.5 TB"), (4e15, "4.0 PB")],
)
def test_sizes(count: float, text: str) -> None:
    assert show.size(count) == text


@pytest.fixture
def result() -> Result:
    found = Result(planned=4, before=1, seconds=12.34567)
    found.add(Done(1, counts={"kept": 3, "rejected": 5, "failed": 2, "bytes": 4_000}))
    found.add(Done(2, counts={"kept": 1, "failed": 9, "bytes": 1_000}, failures={"dns": 1, "timeout": 8}))
    found.add(Done(3, "gate: ValueError: odd"))
    return found


def test_a_result_on_the_terminal(result: Result, capsys: pytest.CaptureFixture[str]) -> None:
    show.result(result, "people")
    assert capsys.readouterr().out.splitlines() == [
        "people: 20 rows in 12 s: 4 kept, 5 rejected, 11 failed (yield 20.0%); "
        "2 shards committed, 1 were there, 1 not committed; 5.0 kB of pictures",
        "  failed: timeout 8, dns 1",
        "  shard 3: gate: ValueError: odd",
        "  run the same command again to do what is not committed",
    ]


def test_a_result_as_json(result: Result) -> None:
    assert json.loads(json.dumps(show.result_json(result))) == {
        "planned_shards": 4,
        "already_committed": 1,
        "committed": 2,
        "lost": {"3": "gate: ValueError: odd"},
        "rows": {"kept": 4, "rejected": 5, "failed": 11},
        "failures": {"timeout": 8, "dns": 1},
        "bytes": 5000,
        "seconds": 12.346,
        "retry": None,
    }


def test_a_complete_dataset_needs_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    show.result(Result(planned=4, before=4), "people")
    assert capsys.readouterr().out == "people is complete: nothing to do\n"


@pytest.mark.parametrize(
    ("planned", "before", "counts", "nothing"),
    [
        (1, 0, {"failed": 9}, True),
        (1, 0, {"failed": 9, "rejected": 1}, False),
        (1, 1, None, False),
        (1, 0, None, True),
    ],
)
def test_when_nothing_worked(planned: int, before: int, counts: dict[str, int] | None, nothing: bool) -> None:
    found = Result(planned, before)
    if counts:
        found.add(Done(0, counts=counts))
    assert found.nothing_worked is nothing


def test_every_card_can_be_listed_and_told_in_full(capsys: pytest.CaptureFixture[str]) -> None:
    cards = [show.card_json(card, {"min_score": 0.25}, ["onnxruntime"]) for card in registry.cards()]
    show.cards(cards, in_full=False)
    assert "onnxruntime" in capsys.readouterr().out
    show.cards(cards, in_full=True)
    told = capsys.readouterr().out
    assert "settings: min_score = 0.25" in told
    for card in registry.cards():
        assert f"licence: {card.licence}" in told
        assert all(weight.spec in told for weight in card.weights)

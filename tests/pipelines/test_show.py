"""How results are told."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from itertools import cycle
from typing import Any

import pytest

from annotators import registry
from annotators.settings_told import Setting
from humanverse.dataset.checks.finding import Finding
from humanverse.dataset.status import FailedRows, Status
from humanverse.dataset.verify import Report
from humanverse.training.outcome import Outcome
from pipelines.annotate import Result as Annotated
from pipelines.build import Result
from pipelines.compact import Result as Compacted
from pipelines.show import annotate, annotators, build, dataset, forget
from pipelines.show import train as show_train
from pipelines.stages.base import Done


@pytest.fixture
def result() -> Result:
    found = Result(planned=4, before=1, seconds=12.34567)
    layers = {"caption/bad": {"failed": 2, "unavailable": 1}, "pose/some": {"failed": 2, "ok": 1}}
    found.add(Done(1, counts={"kept": 3, "rejected": 5, "failed": 2, "bytes": 4_000}, layers=layers))
    found.add(Done(2, counts={"kept": 1, "failed": 9, "bytes": 1_000}, failures={"dns": 1, "timeout": 8}))
    found.add(Done(3, "gate: ValueError: odd"))
    return found


def test_a_result_on_the_terminal(result: Result, capsys: pytest.CaptureFixture[str]) -> None:
    build.result(result, "people")
    assert capsys.readouterr().out.splitlines() == [
        "people: 20 rows in 12 s: 4 kept, 5 rejected, 11 failed (yield 20.0%); "
        "2 shards committed, 1 was there, 1 not committed; 5.0 kB of pictures",
        "  failed: timeout 8, dns 1",
        "  layer caption/bad says nothing: 2 rows failed, none is ok; see the report for why",
        "  shard 3: gate: ValueError: odd",
        "  run the same command again to do what is not committed",
    ]


def test_a_result_as_json(result: Result) -> None:
    assert json.loads(json.dumps(build.result_json(result))) == {
        "planned_shards": 4,
        "already_committed": 1,
        "committed": 2,
        "lost": {"3": "gate: ValueError: odd"},
        "rows": {"kept": 4, "rejected": 5, "failed": 11},
        "failures": {"timeout": 8, "dns": 1},
        "bytes": 5000,
        "seconds": 12.346,
        "silent_layers": ["caption/bad"],
        "retry": None,
        "lacking_layers": {},
    }


def test_a_complete_dataset_needs_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    build.result(Result(planned=4, before=4), "people")
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


FLOOR = Setting("min_score", "number at least 0", 0.25, "of boxes")


def test_every_card_can_be_listed_and_told_in_full(capsys: pytest.CaptureFixture[str]) -> None:
    cards = [
        annotators.card_json(
            card, [FLOOR], ["onnxruntime"], registry.Here(why_not="onnxruntime not installed (pip it)")
        )
        for card in registry.cards()
    ]
    annotators.cards(cards)
    rows = [row.split("\t") for row in capsys.readouterr().out.splitlines()]
    assert rows[0] == ["annotator", "preset", "size", "speed", "here", "licence", "source"]
    assert [row[4:] for row in rows[1:]] == [[card["here"], card["licence"], card["source"]] for card in cards]
    assert cards[0]["here"] == "no: onnxruntime not installed (pip it)"
    for card_told in cards:
        annotators.card_in_full(card_told)
    told = capsys.readouterr().out
    assert "  min_score = 0.25 (number at least 0): of boxes" in told
    for card in registry.cards():
        assert f"licence: {card.licence}" in told
        assert all(weight.spec in told for weight in card.weights)


@pytest.mark.parametrize(
    ("columns", "shown"),
    [
        (300, ("annotator", "preset", "size", "speed", "here", "licence", "source")),
        (110, ("annotator", "preset", "size", "speed", "here", "licence", "source")),
        (90, ("annotator", "preset", "size", "speed", "here", "licence")),
        (80, ("annotator", "preset", "size", "speed", "here")),
        (60, ("annotator", "preset", "here")),
        (46, ("annotator", "here")),
    ],
)
def test_on_a_terminal_an_annotator_is_one_line_that_fits(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: int, shown: Sequence[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", str(columns))
    cards = [
        annotators.card_json(card, [], [], registry.Here(to_fetch=15 * 10**9, why_not=why))
        for card, why in zip(registry.cards(), cycle(("", "torch not installed (pip install it)")), strict=False)
    ]
    annotators.cards(cards)
    title, *lines, last = capsys.readouterr().out.splitlines()
    assert tuple(title.split()) == shown and len(lines) == len(cards)
    assert max(map(len, lines)) <= columns
    for line, card in zip(lines, cards, strict=True):
        assert line.startswith(f"{card['kind']}={card['name']}"[: columns - 1])
        if columns >= 60:
            assert ("fetch 15.0 GB" in line) == (not card["here"].startswith("no: torch"))
    assert last.endswith("humanverse annotators KIND=NAME")
    assert ("not shown: source" in last) == (columns < 110)


def test_a_card_breaks_between_words_on_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    card = annotators.card_json(registry.get("depth", "depth-pro").card, [FLOOR], [], registry.Here())
    annotators.card_in_full(card)
    words = capsys.readouterr().out.split()
    for name, value in (("FORCE_COLOR", "1"), ("TERM", "xterm"), ("COLUMNS", "80")):
        monkeypatch.setenv(name, value)
    annotators.card_in_full(card)
    told = capsys.readouterr().out
    assert max(map(len, told.splitlines())) <= 80 and told.split() == words


def test_the_reasons_add_up_to_what_failed(capsys: pytest.CaptureFixture[str]) -> None:
    found = Result(planned=1, before=0)
    reasons = {"dns": 9, "timeout": 8, "connect": 7, "http_4xx": 6, "http_5xx": 3, "tls": 2, "robots": 1, "corrupt": 1}
    found.add(Done(0, counts={"failed": sum(reasons.values())}, failures=reasons))
    build.result(found, "people")
    told = capsys.readouterr().out
    assert "37 failed" in told
    assert "  failed: " + ", ".join(f"{reason} {rows}" for reason, rows in reasons.items()) in told.splitlines()


URL = "https://example.com/[/a]/:smile:/" + "long/" * 60 + "picture.jpg"
STATS: dict[str, dict[str, Any]] = {
    "numbers": {
        "a.figure.with.a.name.that.is.long.enough.for.two.lines": {"count": 2331, "mean": -1234.5, "max": 0.12345}
    },
    "counts": {"url": {URL: 1234567}},
}


def test_without_a_terminal_a_row_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    dataset.stats(STATS)
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [*STATS["numbers"], "2331", "-1234", "-", "-", "-", "-", "0.123"] in lines
    assert ["url", URL, "1234567"] in lines


def test_a_terminal_folds_text_and_no_number(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setenv("COLUMNS", "80")
    dataset.stats(STATS)
    lines = re.sub("\x1b\\[[0-9;]*m", "", capsys.readouterr().out).splitlines()
    assert max(map(len, lines)) <= 80
    assert [line.split()[1:] for line in lines if "2331" in line] == [["2331", "-1234", "-", "-", "-", "-", "0.123"]]
    assert any(line.split()[-1:] == ["1234567"] for line in lines)
    assert URL in "".join(line.replace("url ", "").replace("1234567", "").strip() for line in lines)


@pytest.mark.parametrize(
    ("lists", "lines"),
    [
        ([], []),
        (
            [{"kind": "urls", "path": "lists/gone.txt", "entries": 3, "sha256": "ab" * 32}],
            ["block-list lists/gone.txt: urls, 3 entries"],
        ),
        (None, ["block-lists: their history is damaged: run humanverse verify"]),
    ],
)
def test_a_status_names_block_lists_in_force(
    lists: list[dict[str, object]] | None, lines: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    dataset.status(Status("people", 1, 1, 0, 0, 0, {}, {}, {}, 0, block_lists=lists), "people")
    assert [line for line in capsys.readouterr().out.splitlines() if line.startswith("block-list")] == lines


def test_a_status_tells_of_failed_rows(capsys: pytest.CaptureFixture[str]) -> None:
    layers, failed = {"depth/a": 3, "pose/b": 40}, {"depth/a": FailedRows(9, 9, 3), "pose/b": FailedRows(2, 99, 16)}
    dataset.status(Status("people", 40, 40, 0, 0, 0, {}, {}, layers, 0, failed_rows=failed), "people")
    assert capsys.readouterr().out.splitlines()[-2:] == [
        "layer depth/a: all 9 rows failed; see the report for why",
        "layer pose/b: 2 of 99 rows failed in the 16 of 40 shards that were looked into; see the report for why",
    ]


def test_nouns_and_verbs_agree_with_one(capsys: pytest.CaptureFixture[str]) -> None:
    report = Report(1, 1, 1, (Finding("problem", "layers", "is odd"),))
    dataset.verify(report)
    dataset.status(
        Status("people", 1, 1, 0, 0, 0, {}, {}, {"depth/a": 1}, 0, failed_rows={"depth/a": FailedRows(1, 1, 1)}),
        "people",
    )
    forget.compact(Compacted(1, [0], samples=1, rows=1, maps=1, filters=["f"], stale=1, checked=1), "people", False)
    told = capsys.readouterr().out.splitlines()
    assert told[1] == "1 problem: 1 shard, 1 row, 1 sample checked"
    assert told[2].startswith("people: complete; 1 of 1 shard, ")
    assert "layer depth/a: 1 of 1 row failed; see the report for why" in told
    assert told[-2].startswith(
        "people: 1 of 1 shard written anew without 1 sample, 1 map, 1 ledger row; 1 filter; 1 old file deleted, "
    )
    assert told[-1] == "1 shard read again to its end: nothing of what was forgotten is in it"


def test_a_complete_layer_needs_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    for shards in (1, 2):
        annotate.result(Annotated(["depth/a"], shards=shards, before=shards), "people")
    assert capsys.readouterr().out.splitlines() == [
        "people: its only shard has depth/a: nothing to do",
        "people: all 2 shards have depth/a: nothing to do",
    ]


def test_a_run_names_who_says_which_samples_are_damaged(capsys: pytest.CaptureFixture[str]) -> None:
    done: dict[str, Any] = {
        "samples": 1,
        "steps": 1,
        "skipped_steps": 0,
        "loss": 0.5,
        "pipeline": "run/pipeline",
        "seconds": 2.0,
    }
    show_train.outcome(Outcome(**done, skipped_samples={"corrupt image": 1, "forgotten": 2}))
    assert capsys.readouterr().out == (
        "trained: 1 sample, 1 step, loss 0.5000, 2 s\n"
        "samples that others stood in for: 1 corrupt image\n"
        "samples that others stood in for: 2 forgotten\n"
        "humanverse verify says which are damaged\n"
        "pipeline: run/pipeline\n"
    )
    show_train.outcome(Outcome(**done, skipped_samples={"forgotten": 2}))
    assert "verify" not in capsys.readouterr().out
    show_train.outcome(Outcome(**{**done, "samples": 8}, before=True))
    assert capsys.readouterr().out == (
        "nothing to do: 8 samples were seen before; with larger samples it goes on\npipeline: run/pipeline\n"
    )

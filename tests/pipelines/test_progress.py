"""What is shown while a job runs, without a terminal and with one."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from pipelines import progress
from pipelines.progress import Display, Local, pace


def display(counts: dict[str, int], terminal: bool = False, **settings: object) -> tuple[Display, io.StringIO]:
    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, width=120)
    options = {"total": 1000, "before": 0, "heartbeat_s": 1e9, **settings}
    return Display("build", counts=lambda: dict(counts), console=console, **options), out  # type: ignore[arg-type]


def test_without_a_terminal_the_last_line_has_all_figures() -> None:
    shown, out = display({"rows": 200, "kept": 50, "annotated": 7}, before=300)
    with shown:
        pass
    lines = out.getvalue().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("build: 500/1000 rows, ")
    assert "kept 50 (25.0%) · layer rows 7" in lines[0]
    assert lines[0].endswith("s left")


def test_when_nothing_was_done_there_is_no_yield_and_no_time_left() -> None:
    shown, out = display({})
    with shown:
        pass
    assert "build: 0/1000 rows, 0.0 rows/s · kept 0 (-)" in out.getvalue()
    assert "left" not in out.getvalue()


def test_the_last_line_is_not_printed_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock[0])
    shown, out = display({"rows": 1000})
    with shown:
        clock[0] = 1 + progress.PLAIN_EVERY_S
        shown._show()
        clock[0] += 1
    assert len(out.getvalue().splitlines()) == 1


def test_of_nothing_there_is_no_line() -> None:
    shown, out = display({}, total=0)
    with shown:
        pass
    assert out.getvalue() == ""


def test_what_is_waited_for_can_be_said(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock[0])
    shown, out = display({"rows": 0}, heartbeat_s=60.0, first="compiling", waiting="a long step")
    for now in (1, 62):
        clock[0] = float(now)
        shown._show()
    heartbeat, plain = out.getvalue().splitlines()
    assert heartbeat == "build: nothing has moved for 60 s; a long step" and plain == "build: 0/1000 rows, compiling"


def test_an_error_ends_the_display_without_a_last_line() -> None:
    shown, out = display({"rows": 1})
    with pytest.raises(ZeroDivisionError), shown:
        raise ZeroDivisionError
    assert out.getvalue() == ""


def test_plain_lines_and_heartbeats_come_at_their_times(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock[0])
    counts = {"rows": 10, "kept": 1}
    shown, out = display(counts, heartbeat_s=60.0)
    for now, rows in ((5, 10), (11, 20), (30, 20), (80, 20), (81, 20), (145, 30)):
        clock[0], counts["rows"] = float(now), rows
        shown._show()
    lines = out.getvalue().splitlines()
    quiet = [line for line in lines if "nothing has moved" in line]
    assert quiet == ["build: nothing has moved for 60 s; waiting for the workers"]
    assert [line.partition(",")[0] for line in lines if line not in quiet] == [
        f"build: {rows}/1000 rows" for rows in (20, 20, 20, 30)
    ]


def test_counts_that_cannot_be_read_any_more_stay_as_they_were() -> None:
    answers = iter([{"rows": 5, "kept": 5}])
    shown, out = display({})
    shown._read = lambda: next(answers)
    shown._show()
    shown._show(last=True)
    assert "build: 5/1000 rows" in out.getvalue()


def test_a_terminal_gets_a_bar_and_no_plain_lines() -> None:
    shown, out = display({"rows": 250, "kept": 100}, terminal=True)
    with shown:
        shown.say("shard 3 is not committed: [why]")
    text = out.getvalue()
    assert "shard 3 is not committed: [why]" in text
    assert "250/1000" in text
    assert "kept 100 (40.0%)" in text
    assert "build: 250" not in text


def test_rows_that_a_retry_counts_twice_do_not_overflow() -> None:
    shown, out = display({"rows": 1500, "kept": 1}, terminal=True)
    with shown:
        pass
    assert "1000/1000" in out.getvalue()


def test_counts_of_this_process_add_up() -> None:
    local = Local()
    local(rows=3, kept=1)
    local(rows=2)
    assert local.counts() == {"rows": 5, "kept": 1}


def test_loading_is_said_and_counts_neither_in_the_rate_nor_in_the_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock[0])
    counts: dict[str, int] = {}
    shown, out = display(counts, total=20, note=lambda _, rate: pace(rate), first="loading models")
    for now, rows in ((50, 0), (100, 2), (120, 4), (140, 6)):
        clock[0], counts["rows"] = float(now), rows
        shown._show()
    assert out.getvalue().splitlines() == [
        "build: 0/20 rows, loading models",
        "build: 2/20 rows, 50 s/row",
        "build: 4/20 rows, 0.1 rows/s, 160 s left",
        "build: 6/20 rows, 0.1 rows/s, 140 s left",
    ]


def test_a_slow_pace_is_told_in_seconds() -> None:
    assert [pace(rate) for rate in (12.34, 0.1, 0.05, 0)] == ["12.3 rows/s", "0.1 rows/s", "20 s/row", "0.0 rows/s"]
    assert pace(0.01, "sample") == "100 s/sample"

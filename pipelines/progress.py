"""What a person sees while a job runs: a bar with rates, yield and time left; plain lines where there is no terminal."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

PLAIN_EVERY_S = 10.0
POLL_S = 1.0
_SLOW = 0.1
"""Rows per second below which it is the seconds per row that are told."""

LOADING = "loading models"
"""What a job with models does before anything is counted."""

Counts = Mapping[str, int]


def say(line: str) -> None:
    """A line on standard error, as it is."""
    Console(stderr=True).print(line, markup=False, highlight=False, soft_wrap=True)


def pace(rate: float, one: str = "row") -> str:
    """``2.5 rows/s``, or ``12 s/row`` where that says more; ``one`` is what is counted."""
    return f"{1 / rate:.0f} s/{one}" if 0 < rate < _SLOW else f"{rate:.1f} {one}s/s"


def of_a_build(counts: Counts, rate: float) -> str:
    """What stands beside the bar of a build."""
    rows, kept = counts.get("rows", 0), counts.get("kept", 0)
    share = f"{kept / rows:.1%}" if rows else "-"
    return f"{pace(rate)} · kept {kept} ({share}) · layer rows {counts.get('annotated', 0)}"


class Local:
    """Counts of stages that run in this process; call it to add, ``counts()`` to read."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def __call__(self, **counts: int) -> None:
        self._counts.update(counts)

    def counts(self) -> Counts:
        return dict(self._counts)


class Display:
    """Shows the counts of a running job until it is closed.

    Args:
        title: of the bar.
        total: rows, or other ``unit``, in all.
        before: rows that earlier runs finished.
        counts: reads the job's counts so far (``rows``, ``kept``, ``fetched``, ``annotated``); asked every second.
        heartbeat_s: after this long without any change a line says so.
        console: where to; None for standard error.
        unit: what is counted as ``rows``.
        note: what stands beside the bar, of the counts and the rows per second since the first one.
        first: what stands there as long as nothing is counted, such as ``loading models``; empty for ``note``.
        waiting: for what, that line says.
    """

    def __init__(
        self,
        title: str,
        total: int,
        before: int,
        counts: Callable[[], Counts],
        heartbeat_s: float,
        console: Console | None = None,
        unit: str = "rows",
        note: Callable[[Counts, float], str] = of_a_build,
        first: str = "",
        waiting: str = "waiting for the workers",
    ) -> None:
        self._unit, self._note, self._first, self._waiting = unit, note, first, waiting
        self._title, self._total, self._before, self._read, self._heartbeat_s = (
            title,
            total,
            before,
            counts,
            heartbeat_s,
        )
        self._console = console or Console(stderr=True)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="progress", daemon=True)
        self._started = self._moved = self._said = time.monotonic()
        self._counts: Counts = {}
        self._printed: Counts | None = None
        self._measured_from: tuple[float, int] | None = None
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._task = self._bar.add_task(title, total=total, completed=before, note="")

    def __enter__(self) -> Display:
        self._bar.start()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        if error is None:
            self._show(last=True)
        self._bar.stop()

    def begin(self, phase: str) -> None:
        """What stands beside the bar as long as nothing is counted, in place of ``first``."""
        self._first = phase

    def say(self, line: str) -> None:
        """A line above the bar."""
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)

    def _loop(self) -> None:
        while not self._stop.wait(POLL_S):
            self._show()

    def _latest(self) -> Counts:
        """The counts now, or as they were last: who keeps them may have died, and the job does not depend on them."""
        try:
            return self._read()
        except Exception:
            return self._counts

    def _show(self, last: bool = False) -> None:
        counts = self._latest()
        now = time.monotonic()
        if counts != self._counts:
            self._counts, self._moved = counts, now
        elif now - self._moved > self._heartbeat_s:
            self.say(f"{self._title}: nothing has moved for {self._heartbeat_s:g} s; {self._waiting}")
            self._moved = now
        rows = counts.get("rows", 0)
        rate, settled = self._rate(rows, now)
        note = self._note(counts, rate) if last or any(counts.values()) or not self._first else self._first
        self._bar.update(self._task, completed=min(self._before + rows, self._total), note=note)
        due = self._total > 0 and counts != self._printed if last else now - self._said > PLAIN_EVERY_S
        if due and not self._console.is_terminal:
            self._said, self._printed = now, counts
            left = (self._total - self._before - rows) / rate if rows and (last or settled) else None
            eta = f", {left:.0f} s left" if left and left > 0 else ""
            self.say(f"{self._title}: {min(self._before + rows, self._total)}/{self._total} {self._unit}, {note}{eta}")

    def _rate(self, rows: int, now: float) -> tuple[float, bool]:
        """Rows per second, and whether they were measured from the first rows on: what came before these, such as the loading of
        models, comes once."""
        if rows and self._measured_from is None:
            self._measured_from = now, rows
        since, before = self._measured_from or (now, rows)
        if rows > before and now > since:
            return (rows - before) / (now - since), True
        return rows / max(now - self._started, 1e-9), False

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

Counts = Mapping[str, int]


def say(line: str) -> None:
    """A line on standard error, as it is."""
    Console(stderr=True).print(line, markup=False, highlight=False, soft_wrap=True)


def of_a_build(counts: Counts, rate: float) -> str:
    """What stands beside the bar of a build."""
    rows, kept = counts.get("rows", 0), counts.get("kept", 0)
    share = f"{kept / rows:.1%}" if rows else "-"
    return f"{rate:.1f} rows/s · kept {kept} ({share}) · layer rows {counts.get('annotated', 0)}"


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
        note: what stands beside the bar, of the counts and the rows per second.
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
    ) -> None:
        self._unit, self._note = unit, note
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
            self.say(f"{self._title}: nothing has moved for {self._heartbeat_s:g} s; waiting for the workers")
            self._moved = now
        rows = counts.get("rows", 0)
        rate = rows / max(now - self._started, 1e-9)
        note = self._note(counts, rate)
        self._bar.update(self._task, completed=min(self._before + rows, self._total), note=note)
        if not self._console.is_terminal and (last or now - self._said > PLAIN_EVERY_S):
            self._said = now
            left = (self._total - self._before - rows) / rate if rows else None
            eta = f", {left:.0f} s left" if left and left > 0 else ""
            self.say(f"{self._title}: {min(self._before + rows, self._total)}/{self._total} {self._unit}, {note}{eta}")

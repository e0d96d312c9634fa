"""How a run of ``build`` ended: what was committed, what was not and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field

from pipelines.retry import Retried
from pipelines.stages.base import Done

ELSEWHERE = "a worker on another machine wrote it where this one cannot see it: use a bucket or a shared folder"
DIED = "its worker died each time it was tried"


def silent(rows: Mapping[str, Mapping[str, int]]) -> list[str]:
    """Layers of which no row says anything, and at least one failed.

    Args:
        rows: per layer its rows by status.
    """
    return [layer for layer, states in rows.items() if states.get("failed", 0) and not states.get("ok", 0)]


@dataclass
class Result:
    """How a run of ``build`` ended.

    Attributes:
        planned: shards of the source and of earlier retries; of a run that retries, its own.
        before: those of them that were committed when it started.
        committed: shards that this run committed.
        heard: numbers of the shards that a worker says it committed.
        lost: shard number -> why it is not committed.
        counts: rows of this run's shards by ledger status, and ``bytes`` of stored pictures.
        layers: per layer of this run's shards its rows by status.
        failures: failed rows of this run's shards by reason.
        seconds: wall time.
        lacking: where nothing was to be done: layers of the recipe that were dropped -> what to tell ``humanverse annotate``.
        retried: what was tried again, or was to be; None if nothing was.
    """

    planned: int
    before: int
    committed: int = 0
    heard: set[int] = field(default_factory=set)
    lost: dict[int, str] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    layers: dict[str, Counter[str]] = field(default_factory=dict)
    failures: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    retried: Retried | None = None
    lacking: dict[str, str] = field(default_factory=dict)

    def add(self, done: Done) -> None:
        """Note how one shard ended."""
        if done.error is not None:
            self.lost[done.number] = done.error
            return
        self.committed += 1
        self.heard.add(done.number)
        self.failures.update(done.failures)
        self.counts.update(done.counts)
        for layer, statuses in done.layers.items():
            self.layers.setdefault(layer, Counter()).update(statuses)

    def name_missing(self, wanted: Iterable[int], there: Container[int]) -> None:
        """Note what is not there although nothing was said: its worker died every time, or wrote where we cannot see it.

        Args:
            wanted: numbers of the shards that were to be done.
            there: of those that the dataset has now.
        """
        for number in wanted:
            if number not in there:
                self.lost.setdefault(number, ELSEWHERE if number in self.heard else DIED)

    @property
    def nothing_worked(self) -> bool:
        """There was work, and no shard was committed or no picture could be had; a second attempt may well give none."""
        pictures = self.counts.get("kept", 0) + self.counts.get("rejected", 0)
        return self.before < self.planned and (self.committed == 0 or (pictures == 0 and self.retried is None))

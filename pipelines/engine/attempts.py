"""What was begun and not ended in this run, so that a picture on which workers die is left alone in the end.

The notes live with the driver and end with it: a job that is killed as a whole leaves no trace, and its result is not changed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from typing import Any, Protocol

Work = tuple[Hashable, ...]
"""Names a piece of work: a shard and what of it."""


class Attempts(Protocol):
    """Remembers what was begun. Instances can be pickled and used in any worker."""

    def begin(self, work: Work) -> int:
        """Note that ``work`` begins; how often it was begun before and did not end."""

    def end(self, work: Work) -> None:
        """Note that ``work`` has ended, whatever came of it."""


class NotNoted:
    """For one process: when that dies, nobody is left to try again."""

    def begin(self, work: Work) -> int:
        return 0

    def end(self, work: Work) -> None:
        pass


class Notes:
    """The body of the actor that keeps the notes."""

    def __init__(self) -> None:
        self._begun: Counter[Work] = Counter()

    def begin(self, work: Work) -> int:
        self._begun[work] += 1
        return self._begun[work] - 1

    def end(self, work: Work) -> None:
        self._begun.pop(work, None)


class Noted:
    """Attempts kept by an actor.

    Args:
        notes: handle of a ``Notes`` actor.
    """

    def __init__(self, notes: Any) -> None:
        self._notes = notes

    def begin(self, work: Work) -> int:
        import ray

        return int(ray.get(self._notes.begin.remote(work)))

    def end(self, work: Work) -> None:
        self._notes.end.remote(work)

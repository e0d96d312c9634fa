"""Who is next: URLs that wait for a place at their host."""

from __future__ import annotations

from collections import Counter, deque
from typing import Generic, TypeVar

Job = TypeVar("Job")


class HostQueues(Generic[Job]):
    """Jobs in order of arrival within a host, hosts in turn, never more than ``per_host`` of one host at
    work.

    A host with a thousand URLs thus neither gets a thousand connections nor holds up the others.
    """

    def __init__(self, per_host: int) -> None:
        self._per_host = per_host
        self._waiting: dict[str, deque[Job]] = {}
        self._at_work: Counter[str] = Counter()
        self._turn: dict[str, None] = {}

    def add(self, host: str, job: Job) -> None:
        """``job`` waits for a place at ``host``."""
        self._waiting.setdefault(host, deque()).append(job)
        self._line_up(host)

    def take(self) -> tuple[str, Job] | None:
        """The next job and its host, now with one more at work; None if all that wait have full hosts."""
        if not self._turn:
            return None
        host = next(iter(self._turn))
        del self._turn[host]
        job = self._waiting[host].popleft()
        if not self._waiting[host]:
            del self._waiting[host]
        self._at_work[host] += 1
        self._line_up(host)
        return host, job

    def done(self, host: str) -> None:
        """A job that was taken for ``host`` has ended."""
        self._at_work[host] -= 1
        if not self._at_work[host]:
            del self._at_work[host]
        self._line_up(host)

    def _line_up(self, host: str) -> None:
        if host in self._waiting and self._at_work[host] < self._per_host:
            self._turn.setdefault(host)

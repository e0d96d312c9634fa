"""Who is next: requests that wait for a place at their host."""

from __future__ import annotations

import heapq
import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Job = TypeVar("Job")


@dataclass
class _Host(Generic[Job]):
    waiting: deque[Job] = field(default_factory=deque)
    at_work: int = 0
    ready_at: float = -math.inf


class HostQueues(Generic[Job]):
    """Jobs in order of arrival within a host, and hosts in turn.

    A host gets no more jobs at once than its limit, none before the time until which it is held, and none sooner after the
    last one than its rate allows. A host with a thousand URLs thus neither gets a thousand connections nor holds up the
    others. A host of which nothing waits, is at work or is held takes no memory.

    Args:
        limit: how many jobs of a host may be at work now.
        clock: seconds, never going back; asked whenever something changes.
        rate: jobs per second and host; None for no rate.
    """

    def __init__(self, limit: Callable[[str], int], clock: Callable[[], float], rate: float | None = None) -> None:
        self._limit = limit
        self._clock = clock
        self._interval = 1 / rate if rate else 0.0
        self._hosts: dict[str, _Host[Job]] = {}
        self._turn: dict[str, None] = {}
        self._held: list[tuple[float, str]] = []

    def add(self, name: str, job: Job, first: bool = False) -> None:
        """``job`` waits for a place at host ``name``; with ``first`` before all others there."""
        host = self._hosts.setdefault(name, _Host())
        if first:
            host.waiting.appendleft(job)
        else:
            host.waiting.append(job)
        self._line_up(name)

    def take(self) -> tuple[str, Job] | None:
        """The next job and its host, now with one more at work; None if all that wait have full or held hosts."""
        self._wake()
        if not self._turn:
            return None
        name = next(iter(self._turn))
        del self._turn[name]
        host = self._hosts[name]
        job = host.waiting.popleft()
        host.at_work += 1
        self._count_request(name)
        return name, job

    def one_more(self, name: str) -> bool:
        """Whether a job at work may make a further request to host ``name`` at once; if so, it is counted."""
        if self._hosts[name].ready_at > self._clock():
            return False
        self._count_request(name)
        return True

    def done(self, name: str) -> None:
        """A job that was taken for host ``name`` has ended."""
        self._hosts[name].at_work -= 1
        self._line_up(name)

    def hold(self, name: str, until: float) -> None:
        """No job of host ``name`` is given out before ``until``."""
        host = self._hosts.setdefault(name, _Host())
        if until > host.ready_at:
            host.ready_at = until
            heapq.heappush(self._held, (until, name))
        self._line_up(name)

    def withdraw(self, name: str) -> list[Job]:
        """All jobs that wait for host ``name``; they wait no more."""
        host = self._hosts.get(name)
        if host is None:
            return []
        jobs = list(host.waiting)
        host.waiting.clear()
        self._line_up(name)
        return jobs

    def next_wake(self) -> float | None:
        """When the first of the held hosts is free; None if none is held."""
        return self._held[0][0] if self._held else None

    def _count_request(self, name: str) -> None:
        if self._interval:
            self.hold(name, self._clock() + self._interval)
        else:
            self._line_up(name)

    def _wake(self) -> None:
        now = self._clock()
        while self._held and self._held[0][0] <= now:
            self._line_up(heapq.heappop(self._held)[1])

    def _line_up(self, name: str) -> None:
        """Put host ``name`` in line, or out of it, or forget it, as its state now asks."""
        host = self._hosts.get(name)
        if host is None:
            return
        held = host.ready_at > self._clock()
        if host.waiting and not held and host.at_work < self._limit(name):
            self._turn.setdefault(name)
            return
        self._turn.pop(name, None)
        if not host.waiting and not host.at_work and not held:
            del self._hosts[name]

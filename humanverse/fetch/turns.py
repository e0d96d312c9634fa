"""Each request's turn: at most so many at once, at most so many at one host, and none where a host asks for peace."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from humanverse.fetch.deadline import Deadline
from humanverse.fetch.failures import FetchError
from humanverse.fetch.patience import Patience
from humanverse.fetch.queues import HostQueues
from schemas.recipe import FetchSettings


class Ticket(Protocol):
    """Somebody who waits for a turn."""

    def start(self) -> None:
        """The turn has come. Whoever had it calls ``Turns.leave`` in the end."""

    def refuse(self, error: FetchError) -> None:
        """It will not come: the host was given up."""


class Turns:
    """Hands out turns within one event loop.

    Args:
        settings: the recipe's.
        has_room: given the number of turns that are out, whether there may be one more.
        on_idle: called when there may be more turns, but nobody waits whose host would take a request now.
    """

    def __init__(self, settings: FetchSettings, has_room: Callable[[int], bool], on_idle: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._patience = Patience(settings.backoff_s, settings.host_patience_s)
        self._per_host = settings.per_host
        self._queues: HostQueues[Ticket] = HostQueues(self._limit, self._loop.time, settings.per_host_rate)
        self._has_room = has_room
        self._on_idle = on_idle
        self._out = 0
        self._alarm: asyncio.TimerHandle | None = None

    def queue(self, host: str, ticket: Ticket, first: bool = False) -> None:
        """``ticket`` gets its turn, now or later, or is refused."""
        error = self._patience.given_up(host, self._loop.time())
        if error is not None:
            ticket.refuse(error)
            return
        self._queues.add(host, ticket, first)
        self.go_on()

    def leave(self, host: str) -> None:
        """A turn at ``host`` is over."""
        self._out -= 1
        self._queues.done(host)
        self.go_on()

    def one_more(self, host: str) -> bool:
        """Whether a further request to ``host`` may be made at once, in a turn that is not over."""
        return self._queues.one_more(host)

    def answered(self, host: str, asked_at: float) -> None:
        """``host`` answered a request of ``asked_at`` with something else than 429 and 503."""
        self._patience.answered(host, asked_at)

    def refused(self, host: str, asked_at: float, error: FetchError) -> float:
        """``host`` answered a request of ``asked_at`` with 429 or 503: for how many seconds it is left alone."""
        now = self._loop.time()
        until = self._patience.refused(host, asked_at, now, error)
        self._queues.hold(host, until)
        given_up = self._patience.given_up(host, now)
        if given_up is not None:
            for ticket in self._queues.withdraw(host):
                ticket.refuse(given_up)
        return until - now

    def go_on(self) -> None:
        """Start whatever may start now; to be called when ``has_room`` may say more than before."""
        while self._has_room(self._out):
            turn = self._queues.take()
            if turn is None:
                self._set_alarm()
                self._on_idle()
                return
            self._out += 1
            turn[1].start()

    def _limit(self, host: str) -> int:
        return 1 if self._patience.refuses(host) else self._per_host

    def _set_alarm(self) -> None:
        when = self._queues.next_wake()
        if self._alarm is not None:
            if self._alarm.when() == when:
                return
            self._alarm.cancel()
        self._alarm = None if when is None else self._loop.call_at(when, self.go_on)


class Place:
    """The turn of one URL, which moves from host to host as redirects lead it.

    Args:
        turns: where it was given out.
        host: where the first request may go now.
        deadline: the URL's; it stands still while the URL waits for its turn.
    """

    def __init__(self, turns: Turns, host: str, deadline: Deadline) -> None:
        self._turns = turns
        self._host: str | None = host
        self._fresh = True
        self.deadline = deadline

    async def come_to(self, host: str) -> None:
        """Wait until a request to ``host`` may be made. Raises FetchError if the host is given up meanwhile."""
        if self._host == host and (self._fresh or self._turns.one_more(host)):
            self._fresh = False
            return
        self.leave()
        waiter = _Waiter(self._turns, host)
        with self.deadline.paused():
            self._turns.queue(host, waiter, first=True)
            await waiter.granted()
        self._host = host
        self._fresh = False

    def leave(self) -> None:
        """Let others have the turn, for now or for good."""
        if self._host is not None:
            host, self._host = self._host, None
            self._turns.leave(host)


class _Waiter:
    """A URL that has begun, and waits for its next request's turn."""

    def __init__(self, turns: Turns, host: str) -> None:
        self._turns = turns
        self._host = host
        self._turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def granted(self) -> None:
        """Return when the turn has come. Whoever is cancelled meanwhile has none."""
        try:
            await self._turn
        except asyncio.CancelledError:
            if not self._turn.cancelled() and self._turn.exception() is None:
                self._turns.leave(self._host)
            raise

    def start(self) -> None:
        if self._turn.done():
            self._turns.leave(self._host)
        else:
            self._turn.set_result(None)

    def refuse(self, error: FetchError) -> None:
        if not self._turn.done():
            self._turn.set_exception(error)

"""Many URLs at once, as a plain iterator: an event loop in a thread of its own, with bounds on both sides."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Generator, Iterable
from queue import SimpleQueue
from typing import NamedTuple

from yarl import URL

from humanverse.errors import UserError
from humanverse.fetch.addresses import is_any, is_public
from humanverse.fetch.budget import Account, Budget
from humanverse.fetch.connections import Allowed, Lookup, open_session, system_lookup
from humanverse.fetch.deadline import Deadline
from humanverse.fetch.failures import FetchError
from humanverse.fetch.request import Blocked, Requester, Response, nothing_blocked
from humanverse.fetch.turns import Place, Turns
from humanverse.fetch.urls import parse_url
from schemas.ledger import Failure
from schemas.recipe import FetchSettings

AHEAD = 64
"""How many times ``concurrency`` the source is read ahead, at most, to find a host that is not busy."""
CLOSE_S = 5.0
"""How long open connections may take to close at the end."""


def fetch(
    urls: Iterable[tuple[int, str | None]],
    settings: FetchSettings,
    allow_private: bool = False,
    blocked: Blocked = nothing_blocked,
) -> Generator[Response, None, None]:
    """Fetch ``urls``; yield one ``Response`` for each, in the order in which they end.

    At most ``settings.concurrency`` requests are in flight, at most ``settings.per_host`` of one host, no more
    than ``settings.per_host_rate`` a second go to one host, and none to a host that asked to be left alone
    (429 or 503), which afterwards gets one at a time until it answers otherwise. URLs that wait for their
    turn, between attempts too, take no place from others. The time limit of a URL does not run while it waits
    for its turn, only from its first attempt on, and while it waits to try again.

    A slow consumer slows the downloads down: no request starts while twice ``settings.concurrency`` are in
    flight or answered and not yet taken. Bodies, from their first byte until they are taken, have at most
    ``settings.max_buffered_bytes`` and one body of ``settings.max_bytes`` beyond it; where that is reached,
    no URL is begun and those in flight are not read on, but for one. Besides, each URL in flight has up to
    half a megabyte in the network's buffers, and a finished body is copied once.

    ``urls`` is read in the caller's thread, four times ``concurrency`` ahead; up to ``AHEAD`` times
    ``concurrency`` while all hosts among them are busy. Closing the iterator early ends all that is in flight.

    Only public addresses are connected to, unless ``allow_private``. Behind ``settings.proxy`` names are
    resolved by the proxy, which then has to refuse private ones itself; only addresses that stand in the URL
    are refused here. No variable of the environment names a proxy, no cookie is kept, and credentials in a
    URL are not sent.

    Args:
        urls: (row, URL) pairs; the row is returned untouched, the URL may be anything, None included.
        settings: the recipe's.
        allow_private: connect to any address (intranets, tests).
        blocked: why a URL must not be contacted, if it must not: asked of each URL, redirect and robots.txt.

    Raises:
        UserError: if the settings' user agent or proxy cannot be used. No URL ever makes it raise.
    """
    return stream(urls, settings, is_any if allow_private else is_public, blocked=blocked)


def stream(
    urls: Iterable[tuple[int, str | None]],
    settings: FetchSettings,
    is_allowed: Allowed,
    lookup: Lookup = system_lookup,
    blocked: Blocked = nothing_blocked,
) -> Generator[Response, None, None]:
    """``fetch`` with the choice of addresses and the name resolution left to the caller."""
    _check(settings)
    return _responses(urls, _Engine(settings, is_allowed, lookup, blocked), settings.concurrency)


def _check(settings: FetchSettings) -> None:
    agent = settings.user_agent
    if not agent.strip() or not agent.isascii() or not agent.isprintable():
        raise UserError("fetch.user_agent must be one line of printable ASCII: correct it in the recipe")
    if settings.proxy is None:
        return
    try:
        parse_url(settings.proxy)
    except FetchError as error:
        raise UserError(
            f"fetch.proxy must be an http:// or https:// URL ({error.detail}): correct it in the recipe"
        ) from error


def _responses(
    urls: Iterable[tuple[int, str | None]], engine: _Engine, concurrency: int
) -> Generator[Response, None, None]:
    source = iter(urls)
    outstanding = 0
    ahead = 4 * concurrency
    more = True
    engine.start()
    try:
        while True:
            while more and outstanding < ahead:
                item = next(source, None)
                if item is None:
                    more = False
                else:
                    engine.submit(*item)
                    outstanding += 1
            if not outstanding:
                return
            response = engine.take()
            if response is None:
                if more and ahead < AHEAD * concurrency:
                    ahead += concurrency
                    engine.expect_more()
            else:
                outstanding -= 1
                yield response
    finally:
        engine.close()


class _Job:
    """A URL that waits for its first turn."""

    def __init__(self, engine: _Engine, row: int, url: URL) -> None:
        self._engine = engine
        self._row = row
        self._url = url

    def start(self) -> None:
        self._engine.begin(self._row, self._url)

    def refuse(self, error: FetchError) -> None:
        failure = Failure(error.reason, error.detail)
        self._engine.end(Response(self._row, None, failure, error.http_status, 0, 0), None)


class _Hungry(NamedTuple):
    """The loop's request for more URLs."""


class _Answered(NamedTuple):
    response: Response
    account: Account | None
    """Where the body's bytes are counted until it is taken."""


class _Ended(NamedTuple):
    """The loop's last word: it answers no more, and this is why."""

    error: BaseException | None


class _Engine:
    """The event loop's thread. ``start``, ``submit``, ``take`` and ``close`` are the consumer's side."""

    def __init__(self, settings: FetchSettings, is_allowed: Allowed, lookup: Lookup, blocked: Blocked) -> None:
        self._settings = settings
        self._blocked = blocked
        self._is_allowed = is_allowed
        self._lookup = lookup
        self._results: SimpleQueue[_Answered | _Hungry | _Ended] = SimpleQueue()
        self._budget = Budget(settings.max_buffered_bytes)
        self._tasks: set[asyncio.Task[None]] = set()
        self._untaken = 0
        self._hungry = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._running = threading.Event()
        self._thread = threading.Thread(target=self._work, name="fetch", daemon=True)

    def start(self) -> None:
        self._thread.start()
        self._running.wait()

    def submit(self, row: int, text: str | None) -> None:
        """Hand one URL over. What is not a URL is answered at once."""
        try:
            url = parse_url(text)
        except FetchError as error:
            failure = Failure(error.reason, error.detail)
            self._tell(self.end, Response(row, None, failure, None, 0, 0), None)
        else:
            self._tell(self._add, url.raw_host or "", _Job(self, row, url))

    def take(self) -> Response | None:
        """The next response; waits for it. None if more URLs are wanted first."""
        result = self._results.get()
        if isinstance(result, _Ended):
            raise RuntimeError("the fetching thread ended unexpectedly") from result.error
        if isinstance(result, _Hungry):
            return None
        self._tell(self._taken, result.account)
        return result.response

    def expect_more(self) -> None:
        """More URLs will follow than would have; without it, ``take`` asks for more no second time."""
        self._tell(self._ask_again)

    def begin(self, row: int, url: URL) -> None:
        """Start on a URL whose first turn has come."""
        task = asyncio.create_task(self._fetch(row, url))
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def end(self, response: Response, account: Account | None) -> None:
        """Hand ``response`` to the consumer."""
        self._untaken += 1
        self._results.put(_Answered(response, account))

    def close(self) -> None:
        """End all that is in flight, and the thread."""
        self._tell(self._stop)
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _tell(self, function: Callable[..., None], *args: object) -> None:
        if self._loop is None:
            return
        with contextlib.suppress(RuntimeError):  # the loop has ended; take() says so
            self._loop.call_soon_threadsafe(function, *args)

    def _work(self) -> None:
        error: BaseException | None = None
        try:
            asyncio.run(self._main())
        except BaseException as caught:
            error = caught
        finally:
            self._results.put(_Ended(error))
            self._running.set()

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopped = asyncio.Event()
        session = open_session(self._settings, self._is_allowed, self._lookup)
        self._turns = Turns(self._settings, self._has_room, self._ask_for_more)
        self._requester = Requester(session, self._settings, self._is_allowed, self._turns, self._blocked)
        self._running.set()
        try:
            await self._stopped.wait()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
        finally:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_S):
                    await session.close()

    def _stop(self) -> None:
        self._stopped.set()

    async def _fetch(self, row: int, url: URL) -> None:
        account = self._budget.open()
        place = Place(self._turns, url.raw_host or "", Deadline(self._settings.timeout_s))
        try:
            self.end(await self._requester.fetch(row, url, place, account), account)
        finally:
            place.leave()

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._results.put(_Ended(error))

    def _add(self, host: str, job: _Job) -> None:
        self._turns.queue(host, job)

    def _taken(self, account: Account | None) -> None:
        self._untaken -= 1
        if account is not None:
            account.clear()
        self._turns.go_on()

    def _has_room(self, in_flight: int) -> bool:
        limit = self._settings.concurrency
        return (
            in_flight < limit
            and in_flight + self._untaken < 2 * limit
            and not self._budget.full
            and not self._stopped.is_set()
        )

    def _ask_again(self) -> None:
        self._hungry = False

    def _ask_for_more(self) -> None:
        if not self._hungry:
            self._hungry = True
            self._results.put(_Hungry())

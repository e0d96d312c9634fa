"""Many URLs at once, as a plain iterator: an event loop in a thread of its own, with bounds on both sides."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Generator, Iterable
from functools import partial
from queue import SimpleQueue
from typing import NamedTuple

from yarl import URL

from humanverse.errors import UserError
from humanverse.fetch.addresses import is_any, is_public
from humanverse.fetch.connections import Allowed, Lookup, open_session, system_lookup
from humanverse.fetch.failures import FetchError
from humanverse.fetch.queues import HostQueues
from humanverse.fetch.request import Requester, Response
from humanverse.fetch.urls import parse_url
from schemas.ledger import Failure
from schemas.recipe import FetchSettings

CLOSE_S = 5.0
"""How long open connections may take to close at the end."""


def fetch(
    urls: Iterable[tuple[int, str | None]], settings: FetchSettings, allow_private: bool = False
) -> Generator[Response, None, None]:
    """Fetch ``urls``; yield one ``Response`` for each, in the order in which they end.

    At most ``settings.concurrency`` URLs are in flight, at most ``settings.per_host`` of one host, and at
    most twice ``settings.concurrency`` responses exist that were not yet taken, those in flight included: a
    slow consumer slows the downloads down. In the worst case that is twice ``concurrency`` times
    ``max_bytes`` of memory. ``urls`` is read in the caller's thread, up to four times ``concurrency`` ahead.
    The time limit of a URL starts with its first attempt, not while it waits for a place at its host. Closing
    the iterator early ends all that is in flight.

    Only public addresses are connected to, unless ``allow_private``. Behind ``settings.proxy`` names are
    resolved by the proxy, which then has to refuse private ones itself; only addresses that stand in the URL
    are refused here. No variable of the environment names a proxy, no cookie is kept, and credentials in a
    URL are not sent.

    Args:
        urls: (row, URL) pairs; the row is returned untouched, the URL may be anything, None included.
        settings: the recipe's.
        allow_private: connect to any address (intranets, tests).

    Raises:
        UserError: if the settings' user agent or proxy cannot be used. No URL ever makes it raise.
    """
    return stream(urls, settings, is_any if allow_private else is_public)


def stream(
    urls: Iterable[tuple[int, str | None]],
    settings: FetchSettings,
    is_allowed: Allowed,
    lookup: Lookup = system_lookup,
) -> Generator[Response, None, None]:
    """``fetch`` with the choice of addresses and the name resolution left to the caller."""
    _check(settings)
    return _responses(urls, _Engine(settings, is_allowed, lookup), 4 * settings.concurrency)


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


def _responses(urls: Iterable[tuple[int, str | None]], engine: _Engine, ahead: int) -> Generator[Response, None, None]:
    source = iter(urls)
    outstanding = 0
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
            outstanding -= 1
            yield response
    finally:
        engine.close()


class _Job(NamedTuple):
    row: int
    url: URL


class _Ended(NamedTuple):
    """The loop's last word: it answers no more, and this is why."""

    error: BaseException | None


class _Engine:
    """The event loop's thread. ``start``, ``submit``, ``take`` and ``close`` are the consumer's side."""

    def __init__(self, settings: FetchSettings, is_allowed: Allowed, lookup: Lookup) -> None:
        self._settings = settings
        self._is_allowed = is_allowed
        self._lookup = lookup
        self._results: SimpleQueue[Response | _Ended] = SimpleQueue()
        self._queues: HostQueues[_Job] = HostQueues(settings.per_host)
        self._tasks: set[asyncio.Task[Response]] = set()
        self._untaken = 0
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
            self._results.put(Response(row, None, Failure(error.reason, error.detail), None, 0, 0))
            self._tell(self._count_refused)
        else:
            self._tell(self._add, _Job(row, url))

    def take(self) -> Response:
        """The next response; waits for it."""
        result = self._results.get()
        if isinstance(result, _Ended):
            raise RuntimeError("the fetching thread ended unexpectedly") from result.error
        self._tell(self._taken)
        return result

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
        self._requester = Requester(session, self._settings, self._is_allowed)
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

    def _add(self, job: _Job) -> None:
        self._queues.add(job.url.raw_host or "", job)
        self._start_jobs()

    def _count_refused(self) -> None:
        self._untaken += 1

    def _taken(self) -> None:
        self._untaken -= 1
        self._start_jobs()

    def _start_jobs(self) -> None:
        limit = self._settings.concurrency
        while len(self._tasks) < limit and len(self._tasks) + self._untaken < 2 * limit and not self._stopped.is_set():
            turn = self._queues.take()
            if turn is None:
                return
            host, job = turn
            task = asyncio.create_task(self._requester.fetch(job.row, job.url))
            self._tasks.add(task)
            task.add_done_callback(partial(self._ended, host))

    def _ended(self, host: str, task: asyncio.Task[Response]) -> None:
        self._tasks.discard(task)
        self._queues.done(host)
        if task.cancelled():
            return
        self._untaken += 1
        error = task.exception()
        self._results.put(task.result() if error is None else _Ended(error))
        self._start_jobs()

"""One URL from start to end: attempts, redirects, what the answer says, all inside one deadline."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass

import aiohttp
from yarl import URL

from humanverse.errors import one_line
from humanverse.fetch.addresses import parse_address
from humanverse.fetch.body import read_body, read_start
from humanverse.fetch.budget import Account
from humanverse.fetch.connections import Allowed
from humanverse.fetch.failures import FetchError, classify, status_error
from humanverse.fetch.optout import opted_out, product_name, reserved
from humanverse.fetch.retries import backoff, retry_after
from humanverse.fetch.robots import MOST_BYTES, MOST_REDIRECTS, TIME_LIMIT_S, Robots
from humanverse.fetch.turns import Place, Turns
from humanverse.fetch.urls import redirect_target
from schemas.ledger import Failure
from schemas.recipe import FetchSettings

REDIRECTS = frozenset({301, 302, 303, 307, 308})
REFUSALS = frozenset({429, 503})
"""Statuses that speak for the whole host."""
Blocked = Callable[[URL], str | None]
"""Given a URL that is about to be asked for: None, or why it must not be contacted."""


def nothing_blocked(url: URL) -> str | None:
    return None


@dataclass(frozen=True)
class Response:
    """What came of one URL.

    Attributes:
        row: the caller's index, untouched.
        data: the body; None when ``failure`` is set.
        failure: why there is no body; its reason is one of ``schemas.ledger.FETCH_REASONS``, or ``opt_out``,
            ``robots``, ``blocked`` or ``not_an_image``.
        http_status: of the last answer seen, redirects included; that of the host, if it was given up; None if there was
            none.
        attempts: how often the URL was tried; 0 if it is not one that can be, or if its host was given up before.
        ms: wall time from the start of the first attempt, in milliseconds, waiting for further turns included.
    """

    row: int
    data: bytes | None
    failure: Failure | None
    http_status: int | None
    attempts: int
    ms: int


@dataclass
class _Visit:
    """What one URL carries from request to request."""

    place: Place
    account: Account
    http_status: int | None = None
    attempts: int = 0


class Requester:
    """Fetches URLs one by one through a shared session.

    Args:
        session: as ``connections.open_session`` makes it.
        settings: the recipe's.
        is_allowed: which addresses may be asked for; consulted here only for literal addresses behind a
            proxy.
        turns: where each request's turn comes from.
        blocked: which URLs are never contacted, whatever leads to them.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        settings: FetchSettings,
        is_allowed: Allowed,
        turns: Turns,
        blocked: Blocked = nothing_blocked,
    ) -> None:
        self._session = session
        self._settings = settings
        self._is_allowed = is_allowed
        self._turns = turns
        self._blocked = blocked
        self._product = product_name(settings.user_agent)
        self._robots = Robots(self._product) if settings.robots else None

    async def fetch(self, row: int, url: URL, place: Place, account: Account) -> Response:
        """The response for ``url``; whatever goes wrong is in it, nothing but a cancellation is raised.

        Args:
            row: the caller's index.
            url: its host is the one of ``place``.
            place: a turn that was just given out, with the URL's deadline; the caller ends it.
            account: where the body's bytes are counted; those of a failure are no longer when this ends.
        """
        loop = asyncio.get_running_loop()
        start = loop.time()
        visit = _Visit(place, account)
        data: bytes | None = None
        failure: Failure | None = None
        try:
            async with place.deadline:
                data = await self._attempts(url, visit)
        except TimeoutError:
            failure = Failure("timeout", f"not done within {self._settings.timeout_s:g} s")
        except FetchError as error:
            failure = Failure(error.reason, error.detail)
        except Exception as error:
            failure = Failure("protocol", one_line(error))
        if failure is not None:
            account.clear()
        return Response(row, data, failure, visit.http_status, visit.attempts, int(1000 * (loop.time() - start)))

    async def _attempts(self, url: URL, visit: _Visit) -> bytes:
        """The body, trying again while that helps and time is left. Raises FetchError: the last failure."""
        while True:
            visit.attempts += 1
            try:
                return await self._follow(url, visit)
            except FetchError as error:
                visit.http_status = error.http_status or visit.http_status
                wait = max(error.wait_s, backoff(self._settings.backoff_s, visit.attempts, str(url)))
                if not error.again or visit.attempts > self._settings.retries or wait >= visit.place.deadline.left():
                    raise
            visit.account.clear()
            visit.place.leave()
            await asyncio.sleep(wait)

    async def _follow(self, url: URL, visit: _Visit) -> bytes:
        """One attempt: the body behind ``url`` and the redirects that it leads to."""
        visited = {url}
        for _ in range(self._settings.max_redirects + 1):
            answer = await self._ask(url, visit)
            if isinstance(answer, bytes):
                return answer
            if answer in visited:
                raise FetchError("redirects", "redirects in a circle")
            visited.add(answer)
            url = answer
        raise FetchError("redirects", f"more than {self._settings.max_redirects} redirects")

    async def _ask(self, url: URL, visit: _Visit) -> bytes | URL:
        """One request: the body, or where it redirects to."""
        self._check_blocked(url)
        if self._robots is not None:
            with visit.place.deadline.paused():
                await self._robots.check(url, lambda target: self._ask_robots(target, visit))
        async with self._answer(url, visit) as response:
            visit.http_status = response.status
            return await self._judge(response, url, visit)

    @contextlib.asynccontextmanager
    async def _answer(self, url: URL, visit: _Visit) -> AsyncGenerator[aiohttp.ClientResponse, None]:
        """The answer to one request, made when its turn has come; 429 and 503 are the whole host's."""
        host = url.raw_host or ""
        self._check_literal(url)
        self._check_blocked(url)
        await visit.place.come_to(host)
        asked_at = asyncio.get_running_loop().time()
        try:
            response = await self._session.get(url, allow_redirects=False, proxy=self._settings.proxy)
        except Exception as error:
            raise classify(error) from error
        try:
            if response.status not in REFUSALS:
                self._turns.answered(host, asked_at)
                yield response
                return
            refusal = status_error(response.status, retry_after(response.headers.get("Retry-After")))
            refusal.wait_s = self._turns.refused(host, asked_at, refusal)
            raise refusal
        finally:
            response.release()

    async def _judge(self, response: aiohttp.ClientResponse, url: URL, visit: _Visit) -> bytes | URL:
        status = response.status
        if status != 200 and status not in REDIRECTS:
            raise status_error(status, retry_after(response.headers.get("Retry-After")))
        self._check_opt_out(response)
        if status in REDIRECTS:
            return redirect_target(url, response.headers.get("Location"))
        return await read_body(response, self._settings.max_bytes, visit.account, visit.place.deadline)

    def _check_opt_out(self, response: aiohttp.ClientResponse) -> None:
        """Every answer on the way to the picture counts: a redirect speaks for the URL that redirects."""
        if not self._settings.opt_out:
            return
        values = response.headers.getall("X-Robots-Tag", [])
        directive = opted_out(values, self._product, self._settings.opt_out_tokens)
        if directive is not None:
            raise FetchError("opt_out", f"X-Robots-Tag: {directive}")
        if reserved(response.headers.getall("TDM-Reservation", [])):
            raise FetchError("opt_out", "TDM-Reservation: 1")

    async def _ask_robots(self, url: URL, visit: _Visit) -> bytes:
        """A robots.txt, through its redirects, trying again as for a picture."""
        attempt = 0
        while True:
            attempt += 1
            try:
                return await self._follow_robots(url, visit)
            except FetchError as error:
                wait = max(error.wait_s, backoff(self._settings.backoff_s, attempt, str(url)))
                if not error.again or attempt > self._settings.retries or wait >= TIME_LIMIT_S:
                    raise
            visit.place.leave()
            await asyncio.sleep(wait)

    async def _follow_robots(self, url: URL, visit: _Visit) -> bytes:
        for _ in range(MOST_REDIRECTS + 1):
            async with self._answer(url, visit) as response:
                if response.status == 200:
                    return await read_start(response, MOST_BYTES)
                if response.status not in REDIRECTS:
                    raise status_error(response.status, 0.0)
                url = redirect_target(url, response.headers.get("Location"))
        raise FetchError("redirects", f"more than {MOST_REDIRECTS} redirects")

    def _check_blocked(self, url: URL) -> None:
        """Asked of pictures before their host's robots.txt is, and of every request, that for robots.txt included."""
        why = self._blocked(url)
        if why is not None:
            raise FetchError("blocked", why)

    def _check_literal(self, url: URL) -> None:
        """Behind a proxy we connect to the proxy alone: addresses that stand in the URL are judged here."""
        if self._settings.proxy is None:
            return
        address = parse_address(url.raw_host or "")
        if address is not None and not self._is_allowed(address):
            raise FetchError("private_address", f"the URL leads to {address}")

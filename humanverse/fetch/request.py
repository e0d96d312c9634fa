"""One URL from start to end: attempts, redirects, what the answer says, all inside one deadline."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import aiohttp
from yarl import URL

from humanverse.errors import one_line
from humanverse.fetch.addresses import parse_address
from humanverse.fetch.body import read_body
from humanverse.fetch.connections import Allowed
from humanverse.fetch.failures import FetchError, classify, status_error
from humanverse.fetch.optout import opted_out, product_name
from humanverse.fetch.retries import backoff, retry_after
from humanverse.fetch.urls import redirect_target
from schemas.ledger import Failure
from schemas.recipe import FetchSettings

REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True)
class Response:
    """What came of one URL.

    Attributes:
        row: the caller's index, untouched.
        data: the body; None when ``failure`` is set.
        failure: why there is no body; its reason is one of ``schemas.ledger.FETCH_REASONS``, or ``opt_out``.
        http_status: of the last answer seen, redirects included; None if there was none.
        attempts: how often the URL was tried; 0 if it is not one that can be.
        ms: wall time from the start of the first attempt, in milliseconds.
    """

    row: int
    data: bytes | None
    failure: Failure | None
    http_status: int | None
    attempts: int
    ms: int


@dataclass
class _Trail:
    http_status: int | None = None
    attempts: int = 0


class Requester:
    """Fetches URLs one by one through a shared session.

    Args:
        session: as ``connections.open_session`` makes it.
        settings: the recipe's.
        is_allowed: which addresses may be asked for; consulted here only for literal addresses behind a
            proxy.
    """

    def __init__(self, session: aiohttp.ClientSession, settings: FetchSettings, is_allowed: Allowed) -> None:
        self._session = session
        self._settings = settings
        self._is_allowed = is_allowed
        self._product = product_name(settings.user_agent)

    async def fetch(self, row: int, url: URL) -> Response:
        """The response for ``url``; whatever goes wrong is in it, nothing but a cancellation is raised."""
        loop = asyncio.get_running_loop()
        start = loop.time()
        trail = _Trail()
        data: bytes | None = None
        failure: Failure | None = None
        limit_s = self._settings.timeout_s
        try:
            async with asyncio.timeout_at(start + limit_s):
                data = await self._attempts(url, start + limit_s, trail)
        except TimeoutError:
            failure = Failure("timeout", f"not done within {limit_s:g} s")
        except FetchError as error:
            failure = Failure(error.reason, error.detail)
        except Exception as error:
            failure = Failure("protocol", one_line(error))
        return Response(row, data, failure, trail.http_status, trail.attempts, int(1000 * (loop.time() - start)))

    async def _attempts(self, url: URL, deadline: float, trail: _Trail) -> bytes:
        """The body, trying again while that helps and time is left. Raises FetchError: the last failure."""
        loop = asyncio.get_running_loop()
        while True:
            trail.attempts += 1
            try:
                return await self._follow(url, trail)
            except FetchError as error:
                wait = max(error.wait_s, backoff(self._settings.backoff_s, trail.attempts, str(url)))
                if not error.again or trail.attempts > self._settings.retries or loop.time() + wait >= deadline:
                    raise
            await asyncio.sleep(wait)

    async def _follow(self, url: URL, trail: _Trail) -> bytes:
        """One attempt: the body behind ``url`` and the redirects that it leads to."""
        visited = {url}
        for _ in range(self._settings.max_redirects + 1):
            answer = await self._ask(url, trail)
            if isinstance(answer, bytes):
                return answer
            if answer in visited:
                raise FetchError("redirects", "redirects in a circle")
            visited.add(answer)
            url = answer
        raise FetchError("redirects", f"more than {self._settings.max_redirects} redirects")

    async def _ask(self, url: URL, trail: _Trail) -> bytes | URL:
        """One request: the body, or where it redirects to."""
        self._check_literal(url)
        try:
            response = await self._session.get(url, allow_redirects=False, proxy=self._settings.proxy)
        except Exception as error:
            raise classify(error) from error
        try:
            trail.http_status = response.status
            return await self._judge(response, url)
        finally:
            response.release()

    async def _judge(self, response: aiohttp.ClientResponse, url: URL) -> bytes | URL:
        status = response.status
        if status != 200 and status not in REDIRECTS:
            raise status_error(status, retry_after(response.headers.get("Retry-After")))
        self._check_opt_out(response)
        if status in REDIRECTS:
            return redirect_target(url, response.headers.get("Location"))
        return await read_body(response, self._settings.max_bytes)

    def _check_opt_out(self, response: aiohttp.ClientResponse) -> None:
        """Every answer on the way to the picture counts: a redirect speaks for the URL that redirects."""
        if not self._settings.opt_out:
            return
        values = response.headers.getall("X-Robots-Tag", [])
        directive = opted_out(values, self._product, self._settings.opt_out_tokens)
        if directive is not None:
            raise FetchError("opt_out", f"X-Robots-Tag: {directive}")

    def _check_literal(self, url: URL) -> None:
        """Behind a proxy we connect to the proxy alone: addresses that stand in the URL are judged here."""
        if self._settings.proxy is None:
            return
        address = parse_address(url.raw_host or "")
        if address is not None and not self._is_allowed(address):
            raise FetchError("private_address", f"the URL leads to {address}")

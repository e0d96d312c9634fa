"""``robots.txt`` (RFC 9309): which URLs of a host may be fetched under our name."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from protego import Protego
from yarl import URL

from humanverse.errors import one_line
from humanverse.fetch.failures import FetchError

MOST_BYTES = 500_000
"""Of one robots.txt; what follows is not read (RFC 9309, 2.5)."""
MOST_REDIRECTS = 5
TIME_LIMIT_S = 15.0
"""For one robots.txt, all attempts and redirects."""
CACHE_BYTES = 4_000_000
"""Of all robots.txt that are remembered, as sent; parsed they take up to 25 times as much memory."""
ENTRY_BYTES = 500
"""What an entry counts for besides its text."""


Ask = Callable[[URL], Awaitable[bytes]]
"""The start of the file, after redirects; raises FetchError."""


class Robots:
    """The rules of each scheme, host and port, asked for once, and remembered while ``CACHE_BYTES`` suffice.

    Args:
        product: the name that the rules address us by.
    """

    def __init__(self, product: str) -> None:
        self._product = product
        self._known: OrderedDict[URL, asyncio.Future[_Rules]] = OrderedDict()
        self._bytes = 0

    async def check(self, url: URL, ask: Ask) -> None:
        """Ask for the rules that hold for ``url``, unless they are known or being asked for, and apply them.

        200: as the file says. 4xx but 429, other statuses, and too many redirects: all is allowed. 5xx, 429, and what is
        not HTTP: nothing is. Where the host was not reached, the failure is that of the network.

        Raises:
            FetchError: ``robots``, ``dns``, ``connect``, ``tls``, ``timeout`` or ``private_address``.
        """
        origin = url.origin()
        rules = await self._rules(origin, ask)
        if rules.error is not None:
            raise FetchError(rules.error.reason, rules.error.detail)
        if rules.parsed is not None and not rules.parsed.can_fetch(str(url), self._product):
            raise FetchError("robots", "robots.txt disallows it")

    async def _rules(self, origin: URL, ask: Ask) -> _Rules:
        known = self._known.get(origin)
        if known is not None:
            self._known.move_to_end(origin)
            return await asyncio.shield(known)
        coming: asyncio.Future[_Rules] = asyncio.get_running_loop().create_future()
        self._known[origin] = coming
        try:
            rules = await _ask(origin / "robots.txt", ask)
        except BaseException:
            del self._known[origin]
            coming.cancel()
            raise
        coming.set_result(rules)
        self._bytes += rules.size
        self._forget_oldest()
        return rules

    def _forget_oldest(self) -> None:
        for origin, known in list(self._known.items()):
            if self._bytes <= CACHE_BYTES:
                return
            if known.done():
                self._bytes -= known.result().size
                del self._known[origin]


@dataclass(frozen=True)
class _Rules:
    """``error`` forbids all; without it, None for ``parsed`` allows all."""

    parsed: Protego | None = None
    error: FetchError | None = None
    size: int = ENTRY_BYTES


_ALL_ALLOWED = frozenset({"http_4xx", "http_other", "redirects"})
_NETWORK = frozenset({"dns", "connect", "tls", "timeout", "private_address"})


async def _ask(url: URL, ask: Ask) -> _Rules:
    try:
        async with asyncio.timeout(TIME_LIMIT_S):
            return _parse(await ask(url))
    except TimeoutError:
        return _Rules(error=FetchError("timeout", f"robots.txt: not done within {TIME_LIMIT_S:g} s"))
    except FetchError as error:
        if error.reason in _ALL_ALLOWED:
            return _Rules()
        reason = error.reason if error.reason in _NETWORK else "robots"
        return _Rules(error=FetchError(reason, f"robots.txt: {error.detail}"))
    except Exception as error:
        return _Rules(error=FetchError("robots", f"robots.txt: {one_line(error)}"))


def _parse(text: bytes) -> _Rules:
    if len(text) == MOST_BYTES:
        text = text[: text.rfind(b"\n") + 1]
    return _Rules(Protego.parse(text.decode("utf-8-sig", errors="replace")), size=ENTRY_BYTES + len(text))

"""Connections that lead only where they may: name resolution, the check of addresses, the HTTP session."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import threading
from collections.abc import Callable, Sequence
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.connector import Connection

from humanverse.fetch.addresses import Address, is_any
from humanverse.fetch.failures import AddressRefused
from schemas.recipe import FetchSettings

Allowed = Callable[[Address], bool]
Lookup = Callable[[str], Sequence[str]]

BUFFERED_BYTES = 1 << 17
"""Of a body that nobody has read yet: at twice as much its connection is not read on (aiohttp.StreamReader)."""
DNS_THREADS = 64
IDLE_S = 2.0
"""How long an idle connection waits for its host's next URL; longer would use up the file descriptors."""


def system_lookup(host: str) -> list[str]:
    """The addresses of ``host`` by the system's resolver, in its order, without doubles. Blocks.

    Raises:
        OSError: ``socket.gaierror`` if it does not resolve.
    """
    answers = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(answer[4][0]) for answer in answers))


class ThreadResolver(AbstractResolver):
    """Resolve names in daemon threads, so that neither a lookup nor the program's end waits for a dead name
    server.

    Addresses that are not allowed are left out; a name that has no other is refused.
    """

    def __init__(self, lookup: Lookup, is_allowed: Allowed, timeout_s: float) -> None:
        self._lookup = lookup
        self._is_allowed = is_allowed
        self._timeout_s = timeout_s
        self._threads = asyncio.Semaphore(DNS_THREADS)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Raises OSError: ``AddressRefused``, or ``socket.gaierror`` (``EAI_AGAIN`` when time ran out)."""
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._threads.acquire()
                found = await self._in_thread(host)
        except TimeoutError:
            raise socket.gaierror(socket.EAI_AGAIN, "the name server did not answer in time") from None
        public = [text for text in found if self._is_allowed(ipaddress.ip_address(text))]
        if not public:
            raise AddressRefused(f"the name leads to {found[0]}" if found else "the name has no address")
        return [_result(host, text, port) for text in public]

    async def close(self) -> None:
        """Nothing is held open."""

    def _in_thread(self, host: str) -> asyncio.Future[Sequence[str]]:
        """Run the lookup; the thread's place is free when it ends, perhaps after nobody waits any more."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Sequence[str]] = loop.create_future()

        def finish(answer: Sequence[str], error: Exception | None) -> None:
            self._threads.release()
            if future.done():
                return
            if error is None:
                future.set_result(answer)
            else:
                future.set_exception(error)

        def work() -> None:
            answer: Sequence[str] = ()
            error: Exception | None = None
            try:
                answer = self._lookup(host)
            except Exception as caught:
                error = caught
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody wants the answer
                loop.call_soon_threadsafe(finish, answer, error)

        threading.Thread(target=work, name=f"dns {host}", daemon=True).start()
        return future


def guarded_socket(is_allowed: Allowed) -> Callable[[tuple[Any, ...]], socket.socket]:
    """A socket factory that refuses addresses which are not allowed.

    It is given the very address that is connected to next, so neither notation, nor redirect, nor a second
    answer of the name server gets past it.
    """

    def create(address_info: tuple[Any, ...]) -> socket.socket:
        family, kind, protocol, _, address = address_info
        if not is_allowed(ipaddress.ip_address(address[0])):
            raise AddressRefused(f"the URL leads to {address[0]}")
        return socket.socket(family, kind, protocol)

    return create


class _Request(aiohttp.ClientRequest):
    """A request that is not sent on a kept connection where bytes wait that nobody asked for.

    They are the rest of a body that was longer than announced, and would be taken for the answer to this request.
    aiohttp meets the error as it meets a kept connection that was closed: it takes another one.
    """

    async def send(self, conn: Connection) -> aiohttp.ClientResponse:
        protocol = conn.protocol
        if protocol is not None and protocol.should_close:
            raise aiohttp.ServerDisconnectedError("unasked bytes on a kept connection")
        return await super().send(conn)


def open_session(settings: FetchSettings, is_allowed: Allowed, lookup: Lookup) -> aiohttp.ClientSession:
    """A session without cookies, environment proxies, decompression or time limits other than on connecting.

    With ``settings.proxy`` the addresses that are connected to are the proxy's, which is trusted: they are
    not checked.
    """
    guard = is_any if settings.proxy else is_allowed
    connector = aiohttp.TCPConnector(
        limit=0,
        limit_per_host=settings.per_host,
        keepalive_timeout=IDLE_S,
        resolver=ThreadResolver(lookup, guard, settings.connect_timeout_s),
        socket_factory=guarded_socket(guard),
    )
    return aiohttp.ClientSession(
        connector=connector,
        request_class=_Request,
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        auto_decompress=False,
        read_bufsize=BUFFERED_BYTES,
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=settings.connect_timeout_s, ceil_threshold=3600),
        headers={
            "User-Agent": settings.user_agent,
            "Accept": "image/*,*/*;q=0.8",
            "Accept-Encoding": "identity",
        },
    )


def _result(host: str, address: str, port: int) -> ResolveResult:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    return ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=flags)

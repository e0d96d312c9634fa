"""Real HTTP servers on loopback for tests: one serves a folder, one does exactly what a test tells it, byte by byte."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import http.server
import socket
import ssl
import struct
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

HEAD_LIMIT = 1 << 20
_TLS_HANDSHAKE = b"\x16"


class _QuietHandler(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        """Tests print nothing."""


@contextlib.contextmanager
def serve_folder(path: Path | str) -> Iterator[str]:
    """Serve the files under ``path``; yields the base URL, without a slash at its end."""
    handler = functools.partial(_QuietHandler, directory=str(path))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class Exchange:
    """One request as it came in, and the way to answer it.

    Attributes:
        target: path and query, as they stood in the request line.
        headers: name in lower case -> value.
        number: 1 for the first request with this path, 2 for the second, …
    """

    target: str
    headers: dict[str, str]
    number: int
    writer: asyncio.StreamWriter

    async def send(self, *pieces: bytes) -> None:
        """Write ``pieces`` one by one, each on its way before the next."""
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()

    async def reply(self, status: int = 200, body: bytes = b"", *headers: str, length: int | None = None) -> None:
        """A complete answer; ``length`` is a lie about the body's length."""
        announced = f"Content-Length: {len(body) if length is None else length}"
        head = "\r\n".join([f"HTTP/1.1 {status} Whatever", announced, *headers, "", ""])
        await self.send(head.encode("latin-1") + body)

    def reset(self) -> None:
        """End the connection with RST instead of FIN."""
        linger = struct.pack("ii", 1, 0)
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.writer.close()


Behaviour = Callable[[Exchange], Awaitable[None]]


@dataclass
class Server:
    """A server under a test's control.

    Attributes:
        port: where it listens.
        seen: all requests so far, in order of arrival.
        most_open: the largest number of requests that were being answered at once.
        accepted: how many connections were taken, whatever came through them.
    """

    routes: Mapping[str, Behaviour]
    scheme: str = "http"
    port: int = 0
    seen: list[Exchange] = field(default_factory=list)
    most_open: int = 0
    accepted: int = 0
    _open: int = 0

    def url(self, target: str, host: str = "127.0.0.1") -> str:
        return f"{self.scheme}://{host}:{self.port}{target}"

    def requests(self, path: str) -> list[Exchange]:
        return [exchange for exchange in self.seen if exchange.target.split("?")[0] == path]

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError, ssl.SSLError):
            while not writer.is_closing():
                first = await reader.readexactly(1)
                if first == _TLS_HANDSHAKE:
                    writer.write(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
                    break
                await self._exchange(first + await reader.readuntil(b"\r\n\r\n"), writer)
        with contextlib.suppress(ConnectionError, RuntimeError):
            writer.close()

    async def _exchange(self, head: bytes, writer: asyncio.StreamWriter) -> None:
        request_line, *lines = head.decode("latin-1").strip().split("\r\n")
        target = request_line.split(" ")[1]
        path = target.split("?")[0]
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        exchange = Exchange(target, headers, len(self.requests(path)) + 1, writer)
        self.seen.append(exchange)
        self._open += 1
        self.most_open = max(self.most_open, self._open)
        try:
            await self.routes.get(path, _not_found)(exchange)
        finally:
            self._open -= 1


@contextlib.contextmanager
def serve(
    routes: Mapping[str, Behaviour], tls: ssl.SSLContext | None = None, address: str = "127.0.0.1", port: int = 0
) -> Iterator[Server]:
    """A server that answers each path with its behaviour, and others with 404.

    Connections are kept alive. Whoever speaks TLS to it without ``tls`` gets an answer in plain text, as from real servers.
    """
    server = Server(routes, scheme="https" if tls else "http")
    ready = threading.Event()
    stop: list[Callable[[], object]] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        done = asyncio.Event()
        stop.append(lambda: loop.call_soon_threadsafe(done.set))
        loop.set_exception_handler(lambda *_: None)
        listening = await asyncio.start_server(server._connection, address, port, limit=HEAD_LIMIT, ssl=tls)
        server.port = listening.sockets[0].getsockname()[1]
        ready.set()
        await done.wait()
        listening.close()

    failed: list[OSError] = []

    def work() -> None:
        try:
            asyncio.run(main())
        except OSError as error:
            failed.append(error)
            ready.set()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    ready.wait()
    if failed:
        raise failed[0]
    try:
        yield server
    finally:
        stop[0]()
        thread.join()


@contextlib.contextmanager
def silent_port() -> Iterator[int]:
    """A port on loopback that takes connections and never says a word."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(16)
        yield int(listening.getsockname()[1])


def free_port() -> int:
    """A port on loopback where nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _not_found(exchange: Exchange) -> None:
    await exchange.reply(404)


def raw(*pieces: bytes, close: bool = True) -> Behaviour:
    async def behave(exchange: Exchange) -> None:
        for piece in pieces:
            await exchange.send(piece)
            await asyncio.sleep(0.02)
        if close:
            exchange.writer.close()

    return behave


def reply(status: int = 200, body: bytes = b"", *headers: str, length: int | None = None) -> Behaviour:
    async def behave(exchange: Exchange) -> None:
        await exchange.reply(status, body, *headers, length=length)
        if length is not None:
            exchange.writer.close()

    return behave


def in_turn(*behaviours: Behaviour) -> Behaviour:
    """The first request meets the first behaviour, and so on; the last one stays."""

    async def behave(exchange: Exchange) -> None:
        await behaviours[min(exchange.number, len(behaviours)) - 1](exchange)

    return behave


def endless(head: bytes, piece: bytes, pause_s: float = 0.0) -> Behaviour:
    async def behave(exchange: Exchange) -> None:
        await exchange.send(head)
        while True:
            await exchange.send(piece)
            await asyncio.sleep(pause_s)

    return behave


async def silence(exchange: Exchange) -> None:
    await asyncio.sleep(60)


async def reset(exchange: Exchange) -> None:
    exchange.reset()


async def reset_in_body(exchange: Exchange) -> None:
    await exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nabc")
    await asyncio.sleep(0.05)
    exchange.reset()


def redirect(location: str | None, status: int = 302, *headers: str) -> Behaviour:
    """``PORT`` in ``location`` stands for the server's own port."""

    async def behave(exchange: Exchange) -> None:
        port = exchange.headers["host"].rpartition(":")[2]
        lines = [] if location is None else [f"Location: {location.replace('PORT', port)}"]
        await exchange.reply(status, b"moved", *headers, *lines)

    return behave

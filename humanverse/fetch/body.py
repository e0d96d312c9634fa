"""Read a response's body: never more than the cap, neither on the wire nor after decompression."""

from __future__ import annotations

import asyncio
import contextlib
import zlib
from collections.abc import AsyncGenerator, Callable
from typing import Protocol

import aiohttp

from humanverse.fetch.budget import Account
from humanverse.fetch.deadline import Deadline
from humanverse.fetch.failures import FetchError, classify_body
from humanverse.fetch.impostors import HEAD_BYTES, impostor

PIECE_BYTES = 1 << 18
"""How much is decompressed at a time."""
MOST_MEMBERS = 1000
"""Of one gzip body: each costs a copy of what follows it."""


class Decoder(Protocol):
    """Undoes one content encoding, piece by piece."""

    def feed(self, data: bytes, limit: int) -> bytes:
        """What ``data`` adds to the decoded body, at most ``limit`` bytes if it was compressed.

        What is beyond the limit comes with the next call, whose ``data`` may be empty. Raises ``zlib.error``.
        """

    def complete(self) -> bool:
        """Whether the encoded stream reached its end."""


async def read_body(response: aiohttp.ClientResponse, max_bytes: int, account: Account, deadline: Deadline) -> bytes:
    """The decoded body of ``response``, at most ``max_bytes`` bytes, counted on ``account`` as they come.

    While ``account`` has no room, nothing is read and ``deadline`` stands still.

    Raises:
        FetchError: ``too_large``, ``truncated``, ``empty``, ``not_an_image`` as soon as the first bytes show it, or
            ``protocol`` for a content encoding that is unknown or broken (identity was asked for; gzip and deflate are
            decoded all the same).
    """
    announced = response.content_length
    if announced is not None and announced > max_bytes:
        raise FetchError("too_large", f"announced {announced} bytes, the cap is {max_bytes}")
    pieces: list[bytes] = []
    decoded = 0
    judged = False
    async with contextlib.aclosing(_decoded(response, max_bytes)) as source:
        async for piece in source:
            decoded += len(piece)
            if decoded > max_bytes:
                raise _too_large(max_bytes)
            if not account.try_add(len(piece)):
                with deadline.paused():
                    await account.add(len(piece))
            pieces.append(piece)
            if not judged and decoded >= HEAD_BYTES:
                judged = True
                _refuse_impostors(pieces, response)
    if not decoded:
        raise FetchError("empty", "no bytes in the body")
    if not judged:
        _refuse_impostors(pieces, response)
    return b"".join(pieces)


async def read_start(response: aiohttp.ClientResponse, most: int) -> bytes:
    """The first ``most`` bytes of the decoded body, or all of a shorter one.

    Raises:
        FetchError: as ``read_body``; but nothing is too large, unless it is twice ``most`` as sent, and nothing is empty.
    """
    start = bytearray()
    async with contextlib.aclosing(_decoded(response, 2 * most)) as source:
        async for piece in source:
            start += piece[: most - len(start)]
            if len(start) == most:
                break
    return bytes(start)


async def _decoded(response: aiohttp.ClientResponse, max_wire_bytes: int) -> AsyncGenerator[bytes, None]:
    """The decoded body in pieces; of ``PIECE_BYTES`` at most, if it was compressed."""
    decoder = _decoder(", ".join(response.headers.getall("Content-Encoding", [])))
    _watch_connection(response)
    on_wire = 0
    try:
        async for chunk in response.content.iter_any():
            on_wire += len(chunk)
            if on_wire > max_wire_bytes:
                raise _too_large(max_wire_bytes)
            while piece := decoder.feed(chunk, PIECE_BYTES):
                yield piece
                chunk = b""
    except zlib.error as error:
        raise FetchError("protocol", f"broken content encoding: {error}") from error
    except Exception as error:
        raise classify_body(error) from error
    if on_wire and not decoder.complete():
        raise FetchError("truncated", "the compressed body ends early", again=True)


def _too_large(max_bytes: int) -> FetchError:
    return FetchError("too_large", f"more than {max_bytes} bytes")


def _refuse_impostors(pieces: list[bytes], response: aiohttp.ClientResponse) -> None:
    found = impostor(b"".join(pieces)[:HEAD_BYTES] if len(pieces) > 1 else pieces[0][:HEAD_BYTES])
    if found is not None:
        said = response.content_type if "Content-Type" in response.headers else "nothing"
        raise FetchError("not_an_image", f"{found}; Content-Type says {ascii(said)[1:-1][:100]}")


def _watch_connection(response: aiohttp.ClientResponse) -> None:
    """End the wait for a body whose connection is gone.

    aiohttp (3.14) closes the connection when the framing of a body breaks half-way, and tells the body's
    reader nothing: without this it would wait until the deadline.
    """
    protocol = None if response.connection is None else response.connection.protocol
    if protocol is None:
        return

    def end() -> None:
        if not response.content.is_eof() and response.content.exception() is None:
            response.content.set_exception(FetchError("protocol", "the framing of the body is broken"))

    def on_closed(closed: asyncio.Future[None]) -> None:
        if not closed.cancelled():
            closed.exception()
        end()

    if protocol.closed is None:
        end()
    else:
        protocol.closed.add_done_callback(on_closed)


class _Identity:
    def feed(self, data: bytes, limit: int) -> bytes:
        return data

    def complete(self) -> bool:
        return True


class _Gzip:
    """RFC 1952, with several members; what follows the last one is ignored, as browsers do."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(wbits=31)
        self._held = b""
        self._members = 1

    def feed(self, data: bytes, limit: int) -> bytes:
        pieces = []
        data, self._held = self._held + data, b""
        while data and limit > 0:
            if self._stream.eof:
                if len(data) < 2:
                    self._held = data
                    break
                if not data.startswith(b"\x1f\x8b"):
                    break
                self._members += 1
                if self._members > MOST_MEMBERS:
                    raise zlib.error("too many gzip members")
                self._stream = zlib.decompressobj(wbits=31)
            piece = self._stream.decompress(data, limit)
            pieces.append(piece)
            limit -= len(piece)
            data = self._stream.unused_data if self._stream.eof else self._stream.unconsumed_tail
            if limit <= 0:
                self._held = data
        return b"".join(pieces)

    def complete(self) -> bool:
        return self._stream.eof


class _Deflate:
    """RFC 1950 (zlib), or bare RFC 1951 as some servers send it; the first two bytes tell which."""

    def __init__(self) -> None:
        self._stream: zlib._Decompress | None = None
        self._head = b""

    def feed(self, data: bytes, limit: int) -> bytes:
        if self._stream is None:
            data, self._head = self._head + data, b""
            if len(data) < 2:
                self._head = data
                return b""
            wrapped = data[0] & 0x0F == 8 and int.from_bytes(data[:2], "big") % 31 == 0
            self._stream = zlib.decompressobj(wbits=15 if wrapped else -15)
        return self._stream.decompress(self._stream.unconsumed_tail + data, limit)

    def complete(self) -> bool:
        return self._stream is not None and self._stream.eof


DECODERS: dict[str, Callable[[], Decoder]] = {
    "": _Identity,
    "identity": _Identity,
    "gzip": _Gzip,
    "x-gzip": _Gzip,
    "deflate": _Deflate,
}
"""By the name in ``Content-Encoding``, lower case."""


def _decoder(encoding: str) -> Decoder:
    build = DECODERS.get(encoding.strip().lower())
    if build is None:
        raise FetchError("protocol", f"unknown content encoding {encoding.strip()[:40]!r}")
    return build()

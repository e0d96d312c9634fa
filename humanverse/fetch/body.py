"""Read a response's body: never more than the cap, neither on the wire nor after decompression."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable
from typing import Protocol

import aiohttp

from humanverse.fetch.failures import FetchError, classify_body


class Decoder(Protocol):
    """Undoes one content encoding, piece by piece."""

    def feed(self, data: bytes, limit: int) -> bytes:
        """What ``data`` adds to the decoded body, cut off after ``limit`` bytes. Raises ``zlib.error``."""

    def complete(self) -> bool:
        """Whether the encoded stream reached its end."""


async def read_body(response: aiohttp.ClientResponse, max_bytes: int) -> bytes:
    """The decoded body of ``response``, at most ``max_bytes`` bytes.

    Raises:
        FetchError: ``too_large``, ``truncated``, ``empty``, or ``protocol`` for a content encoding that is
            unknown or broken (identity was asked for; gzip and deflate are decoded all the same).
    """
    decoder = _decoder(", ".join(response.headers.getall("Content-Encoding", [])))
    announced = response.content_length
    if announced is not None and announced > max_bytes:
        raise FetchError("too_large", f"announced {announced} bytes, the cap is {max_bytes}")
    _watch_connection(response)
    pieces: list[bytes] = []
    on_wire = decoded = 0
    try:
        async for chunk in response.content.iter_any():
            on_wire += len(chunk)
            piece = decoder.feed(chunk, max_bytes + 1 - decoded)
            decoded += len(piece)
            if max(on_wire, decoded) > max_bytes:
                raise FetchError("too_large", f"more than {max_bytes} bytes")
            pieces.append(piece)
    except zlib.error as error:
        raise FetchError("protocol", f"broken content encoding: {error}") from error
    except Exception as error:
        raise classify_body(error) from error
    if on_wire and not decoder.complete():
        raise FetchError("truncated", "the compressed body ends early", again=True)
    if not decoded:
        raise FetchError("empty", "no bytes in the body")
    return b"".join(pieces)


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
                self._stream = zlib.decompressobj(wbits=31)
            piece = self._stream.decompress(data, limit)
            pieces.append(piece)
            limit -= len(piece)
            data = self._stream.unused_data if self._stream.eof else self._stream.unconsumed_tail
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
        return self._stream.decompress(data, limit)

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

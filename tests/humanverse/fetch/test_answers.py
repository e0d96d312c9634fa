"""What servers answer, honest and hostile, and what becomes of it. All rows of a table run in one ``stream``."""

from __future__ import annotations

import gzip
import ipaddress
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from humanverse.fetch import FetchSettings, Response
from humanverse.fetch.addresses import Address
from humanverse.fetch.stream import stream
from tests.servers import (
    Behaviour,
    Exchange,
    Server,
    endless,
    in_turn,
    raw,
    redirect,
    reply,
    reset,
    reset_in_body,
    serve,
)

PICTURE = bytes(range(256)) * 20
CAP = 100_000
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def only_loopback_one(address: Address) -> bool:
    """The test server's address is allowed, its neighbour 127.0.0.2 and all others are not."""
    return address == ipaddress.ip_address("127.0.0.1")


def lookup(host: str) -> Sequence[str]:
    return {"inside.example": ["10.0.0.1", "::1"], "mixed.example": ["10.0.0.1", "127.0.0.1"]}.get(host, ["127.0.0.1"])


def hops(count: int) -> dict[str, Behaviour]:
    """``/hops<count>`` redirects ``count`` times before the picture."""
    steps = {
        f"/hops{count}" + (f"-{step}" if step else ""): redirect(f"hops{count}-{step + 1}") for step in range(count)
    }
    return {**steps, f"/hops{count}-{count}": reply(200, PICTURE)}


async def deeper(exchange: Exchange) -> None:
    """Each redirect leads to a URL that was never seen."""
    await exchange.reply(302, b"", f"Location: /to-deeper?{exchange.number}")


def deflated(wbits: int) -> bytes:
    stream_ = zlib.compressobj(wbits=wbits)
    return stream_.compress(PICTURE) + stream_.flush()


MEMBERS = gzip.compress(PICTURE[:99]) + gzip.compress(PICTURE[99:])
BOMB = gzip.compress(bytes(CAP * 100))
PAGE_HEAD = b"HTTP/1.0 200 OK\r\nContent-Type: image/jpeg\r\n\r\n"
POLYGLOT = b"GIF89a/*" + b" " * 2000 + b"*/=1;alert(1)"
OPTED_OUT_HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 90000\r\nX-Robots-Tag: "


@dataclass(frozen=True)
class Row:
    """A path's behaviour, and what must come of it: a failure's reason, or ``data``."""

    behaviour: Behaviour
    reason: str | None = None
    status: int | None = 200
    attempts: int = 1
    data: bytes = PICTURE
    detail: str | None = None


ROWS: dict[str, Row] = {
    "plain": Row(reply(200, PICTURE)),
    "until-close": Row(raw(b"HTTP/1.0 200 OK\r\n\r\n", PICTURE)),
    "chunked": Row(raw(CHUNKED, b"5\r\n\0ello\r\n", b"4;ext=1\r\n you\r\n0\r\nT: x\r\n\r\n", close=False), data=b"\0ello you"),
    "bare-line-feeds": Row(raw(b"HTTP/1.1 200 OK\nContent-Length: 3\n\n\0bc", close=False), data=b"\0bc"),
    "no-reason-phrase": Row(raw(b"HTTP/1.1 200\r\nContent-Length: 3\r\n\r\n\0bc", close=False), data=b"\0bc"),
    "after-103": Row(
        raw(b"HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n\0bc", close=False),
        data=b"\0bc",
    ),
    "gzip": Row(reply(200, gzip.compress(PICTURE), "Content-Encoding: gzip")),
    "gzip-members": Row(reply(200, MEMBERS + b"\0\0", "Content-Encoding: x-gzip")),
    "deflate": Row(reply(200, deflated(15), "Content-Encoding: deflate")),
    "deflate-bare": Row(reply(200, deflated(-15), "Content-Encoding: Deflate")),
    "identity": Row(reply(200, PICTURE, "Content-Encoding: identity")),
    "exactly-the-cap": Row(reply(200, bytes(CAP)), data=bytes(CAP)),
    "gzip-exactly-the-cap": Row(reply(200, gzip.compress(bytes(CAP)), "Content-Encoding: gzip"), data=bytes(CAP)),
    "one-too-many": Row(raw(b"HTTP/1.0 200 OK\r\n\r\n" + bytes(CAP + 1)), "too_large"),
    "announced-too-large": Row(reply(200, b"", length=CAP + 1), "too_large", detail="announced 100001 bytes"),
    "endless": Row(endless(b"HTTP/1.0 200 OK\r\n\r\n", bytes(4096)), "too_large"),
    "endless-chunked": Row(endless(CHUNKED, b"1000\r\n" + bytes(4096) + b"\r\n"), "too_large"),
    "gzip-bomb": Row(reply(200, BOMB, "Content-Encoding: gzip"), "too_large"),
    "gzip-endless": Row(endless(b"HTTP/1.0 200 OK\r\nContent-Encoding: gzip\r\n\r\n", gzip.compress(b"")), "protocol"),
    "gzip-cut": Row(reply(200, gzip.compress(PICTURE)[:-9], "Content-Encoding: gzip"), "truncated", attempts=3),
    "gzip-broken": Row(reply(200, b"this is not gzip at all", "Content-Encoding: gzip"), "protocol"),
    "deflate-one-byte": Row(reply(200, b"x", "Content-Encoding: deflate"), "truncated", attempts=3),
    "brotli": Row(reply(200, b"\x0b\x02\x80hello\x03", "Content-Encoding: br"), "protocol", detail="'br'"),
    "encoded-twice": Row(reply(200, b"x", "Content-Encoding: gzip", "Content-Encoding: gzip"), "protocol"),
    "empty": Row(reply(200), "empty"),
    "empty-chunked": Row(raw(CHUNKED, b"0\r\n\r\n", close=False), "empty"),
    "empty-until-close": Row(raw(b"HTTP/1.0 200 OK\r\n\r\n"), "empty"),
    "gzip-of-nothing": Row(reply(200, gzip.compress(b""), "Content-Encoding: gzip"), "empty"),
    "shorter-than-announced": Row(reply(200, b"abc", length=1000), "truncated", attempts=3),
    "chunks-without-end": Row(raw(CHUNKED + b"5\r\nhello\r\n"), "truncated", attempts=3),
    "chunk-cut": Row(raw(CHUNKED, b"5\r\nhe"), "truncated", attempts=3),
    "reset-in-body": Row(reset_in_body, "truncated", attempts=3),
    "cut-once": Row(in_turn(reply(200, b"abc", length=9000), reply(200, PICTURE)), attempts=2),
    "bad-chunk-size": Row(raw(CHUNKED + b"ZZ\r\nhello\r\n"), "protocol", status=None),
    "bad-chunk-size-later": Row(raw(CHUNKED + b"5\r\nhello\r\n", b"-5\r\nhello\r\n", close=False), "protocol"),
    "chunk-longer-than-said": Row(raw(CHUNKED + b"5\r\nhello", b"world\r\n0\r\n\r\n", close=False), "protocol"),
    "two-lengths": Row(raw(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\nabcde"), "protocol", status=None),
    "length-no-number": Row(raw(b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\nabc"), "protocol", status=None),
    "garbage": Row(raw(b"\x00\xff\x17 hello, I am no HTTP\r\n\r\n"), "protocol", status=None),
    "ssh": Row(raw(b"SSH-2.0-OpenSSH_9.6\r\n"), "protocol", status=None),
    "huge-header": Row(raw(b"HTTP/1.1 200 OK\r\nX-Big: " + b"a" * 200_000 + b"\r\n\r\n"), "protocol", status=None),
    "many-headers": Row(raw(b"HTTP/1.1 200 OK\r\n" + b"X-Many: a\r\n" * 5000 + b"\r\n"), "protocol", status=None),
    "closed-without-answer": Row(raw(), "connect", status=None, attempts=3),
    "closed-in-headers": Row(raw(b"HTTP/1.1 200 OK\r\nConte"), "connect", status=None, attempts=3),
    "reset-without-answer": Row(reset, "connect", status=None, attempts=3),
    "404": Row(reply(404, b"nothing here"), "http_4xx", status=404, detail="HTTP 404 Not Found"),
    "403": Row(reply(403), "http_4xx", status=403, detail="HTTP 403 Forbidden"),
    "451": Row(reply(451), "http_4xx", status=451),
    "499": Row(reply(499), "http_4xx", status=499, detail="HTTP 499"),
    "404-endless": Row(endless(b"HTTP/1.0 404 Not Found\r\n\r\n", b"x" * 4096), "http_4xx", status=404),
    "204": Row(raw(b"HTTP/1.1 204 No Content\r\n\r\n", close=False), "http_other", status=204),
    "206": Row(reply(206, PICTURE, "Content-Range: bytes 0-9/10"), "http_other", status=206),
    "304": Row(raw(b"HTTP/1.1 304 Not Modified\r\n\r\n", close=False), "http_other", status=304),
    "300": Row(reply(300, b"", "Location: /plain"), "http_other", status=300),
    "999": Row(reply(999), "http_other", status=999),
    "500": Row(reply(500), "http_5xx", status=500, attempts=3, detail="HTTP 500 Internal Server Error"),
    "503-twice": Row(in_turn(reply(503), reply(503), reply(200, PICTURE)), attempts=3),
    "503-then-404": Row(in_turn(reply(503), reply(404)), "http_4xx", status=404, attempts=2),
    "429": Row(reply(429), "http_429", status=429, attempts=3),
    "429-once": Row(in_turn(reply(429, b"", "Retry-After: 0"), reply(200, PICTURE)), attempts=2),
    "429-next-hour": Row(reply(429, b"", "Retry-After: 3600"), "http_429", status=429, attempts=1),
    "503-next-hour": Row(
        reply(503, b"", f"Retry-After: {format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)}"),
        "http_5xx",
        status=503,
        attempts=1,
    ),
    "opt-out": Row(raw(OPTED_OUT_HEAD + b"noai\r\n\r\n", close=False), "opt_out", detail="X-Robots-Tag: noai"),
    "opt-out-mixed-case": Row(raw(OPTED_OUT_HEAD + b"NoFollow, NoIndex\r\n\r\n", close=False), "opt_out"),
    "opt-out-second-header": Row(reply(200, PICTURE, "X-Robots-Tag: all", "x-robots-tag: noimageai"), "opt_out"),
    "opt-out-by-name": Row(reply(200, PICTURE, "X-Robots-Tag: humanverse: noai"), "opt_out"),
    "opt-out-redirect": Row(redirect("/plain", 301, "X-Robots-Tag: noindex"), "opt_out", status=301),
    "opt-out-after-redirect": Row(redirect("/opt-out"), "opt_out"),
    "opt-out-for-others": Row(reply(200, PICTURE, "X-Robots-Tag: otherbot: noai, noindex")),
    "opt-out-not-asked": Row(reply(200, PICTURE, "X-Robots-Tag: nofollow, noarchive")),
    "hops5": Row(redirect("hops5-1")),
    "hops6": Row(redirect("hops6-1"), "redirects", status=302),
    "moved-301": Row(redirect("/plain", 301)),
    "moved-303": Row(redirect("plain", 303)),
    "moved-307": Row(redirect("?now=here", 307), "redirects", status=307),
    "moved-308": Row(redirect("//127.0.0.1:PORT/plain", 308)),
    "circle": Row(redirect("/circle"), "redirects", status=302, detail="in a circle"),
    "no-location": Row(redirect(None), "redirects", status=302),
    "bad-location": Row(redirect("http://[oops/"), "redirects", status=302),
    "to-file": Row(redirect("file:///etc/passwd"), "forbidden_scheme", status=302),
    "to-data": Row(redirect("data:image/gif;base64,R0lGODdh"), "forbidden_scheme", status=302),
    "to-neighbour": Row(redirect("http://127.0.0.2:PORT/plain"), "private_address", status=302),
    "to-metadata": Row(redirect("http://169.254.169.254/latest/"), "private_address", status=302),
    "to-inside": Row(redirect("http://inside.example:PORT/plain"), "private_address", status=302),
    "to-disguised": Row(redirect("http://0x7f.2:PORT/plain"), "private_address", status=302),
    "to-404": Row(redirect("/nowhere"), "http_4xx", status=404),
    "to-loopback": Row(redirect("http://127.0.0.1.:PORT/plain"), status=200),
    "to-link-local": Row(redirect("http://[fe80::1]/"), "private_address", status=302),
    "to-private": Row(redirect("https://192.168.1.1/"), "private_address", status=302),
    "to-mapped": Row(redirect("http://[::ffff:127.0.0.2]:PORT/plain"), "private_address", status=302),
    "to-decimal": Row(redirect("http://2130706434:PORT/plain"), "private_address", status=302),
    "to-all-zero": Row(redirect("http://0:PORT/plain"), "private_address", status=302),
    "to-ftp": Row(redirect("ftp://files.example/a.jpg"), "forbidden_scheme", status=302),
    "to-gopher": Row(redirect("gopher://127.0.0.1:PORT/_GET"), "forbidden_scheme", status=302),
    "to-script": Row(redirect("javascript:alert(1)"), "forbidden_scheme", status=302),
    "to-credentials": Row(redirect("http://user:secret@to-credentials.example:PORT/plain")),
    "to-two-lines": Row(redirect("/plain\r\n\r\nHTTP/1.1 200 OK"), "protocol", status=None),
    "to-nul": Row(redirect("/pl\x01ain"), "redirects", status=302),
    "to-deeper": Row(deeper, "redirects", status=302, detail="more than 5"),
    "cookie": Row(redirect("/plain", 302, "Set-Cookie: id=1; Path=/; Domain=example")),
    "tdm": Row(reply(200, PICTURE, "TDM-Reservation: 1"), "opt_out", detail="TDM-Reservation: 1"),
    "tdm-not-reserved": Row(reply(200, PICTURE, "TDM-Reservation: 0")),
    "tdm-redirect": Row(redirect("/plain", 302, "tdm-reservation: 1"), "opt_out", status=302),
    "html-as-jpeg": Row(
        endless(PAGE_HEAD + b"<!DOCTYPE html><title>Sign in</title>", b"<p>please</p>" * 100),
        "not_an_image",
        detail="HTML page; Content-Type says image/jpeg",
    ),
    "html-short": Row(reply(200, b"<html>no", "Content-Type: text/html; charset=utf-8"), "not_an_image", detail="text/html"),
    "html-gzip": Row(reply(200, gzip.compress(b"<html>" + bytes(9)), "Content-Encoding: gzip"), data=b"<html>" + bytes(9)),
    "json": Row(reply(200, b'{"e": 1}', "Content-Type: image/png"), "not_an_image", detail="JSON; Content-Type says image/png"),
    "xml": Row(reply(200, b"<?xml version='1.0'?><Error/>"), "not_an_image", detail="XML document; Content-Type says nothing"),
    "svg": Row(reply(200, b"<svg xmlns='x'/>"), "not_an_image", detail="SVG drawing"),
    "text": Row(reply(200, b"Hotlinking is not allowed"), "not_an_image", detail="plain text"),
    "pdf": Row(reply(200, b"%PDF-1.7\n\x93\0"), "not_an_image", detail="PDF document"),
    "gif-and-script": Row(reply(200, POLYGLOT, "Content-Type: text/javascript"), data=POLYGLOT),
    "jpeg-and-zip": Row(reply(200, b"\xff\xd8\xff\xd9PK\x03\x04"), data=b"\xff\xd8\xff\xd9PK\x03\x04"),
    "picture-called-html": Row(reply(200, PICTURE, "Content-Type: text/html")),
    "longer-than-announced": Row(reply(200, b"\0bcdef", length=3), "protocol", status=None),
    "length-negative": Row(raw(b"HTTP/1.1 200 OK\r\nContent-Length: -3\r\n\r\nabc"), "protocol", status=None),
    "length-and-chunks": Row(
        raw(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), "protocol", status=None
    ),
    "http-0.9": Row(raw(b"\xff\xd8\xff just the body"), "protocol", status=None),
    "chunk-extension-flood": Row(raw(CHUNKED, b"5;" + b"a" * 100_000 + b"\r\n\0ello\r\n0\r\n\r\n"), data=b"\0ello"),
    "trailer-flood": Row(raw(CHUNKED, b"3\r\n\0bc\r\n0\r\n" + b"X: y\r\n" * 20_000 + b"\r\n"), "truncated", attempts=3),
    "switching-protocols": Row(raw(b"HTTP/1.1 101 Switching Protocols\r\n\r\n"), "http_other", status=101),
    "status-no-number": Row(raw(b"HTTP/1.1 two hundred\r\n\r\n"), "protocol", status=None),
    "header-without-colon": Row(raw(b"HTTP/1.1 200 OK\r\nnonsense\r\n\r\nabc"), "protocol", status=None),
}  # fmt: skip

SETTINGS = FetchSettings(
    timeout_s=30.0, connect_timeout_s=10.0, max_bytes=CAP, backoff_s=0.01, per_host=16, concurrency=16
)


@dataclass
class Outcome:
    """The responses by row name, the server that gave them, and its neighbour, to which nobody may connect."""

    responses: dict[str, Response]
    server: Server
    neighbour: Server


@pytest.fixture(scope="module")
def outcome() -> Iterator[Outcome]:
    """Every row has a host of its own, so that none is left alone for what another did."""
    routes = {f"/{name}": row.behaviour for name, row in ROWS.items()}
    routes |= {"/plain": reply(200, PICTURE), **hops(5), **hops(6)}
    with serve(routes) as server, serve(routes, address="127.0.0.2", port=server.port) as neighbour:
        names = list(ROWS)
        urls = [(index, server.url(f"/{name}", host=f"{name}.example")) for index, name in enumerate(names)]
        responses = {names[r.row]: r for r in stream(urls, SETTINGS, only_loopback_one, lookup)}
        yield Outcome(responses, server, neighbour)


@pytest.mark.parametrize("name", ROWS)
def test_answer(name: str, outcome: Outcome) -> None:
    row, response = ROWS[name], outcome.responses[name]
    assert (response.failure and response.failure.reason) == row.reason
    assert response.data == (row.data if row.reason is None else None)
    assert response.http_status == row.status
    assert response.attempts == row.attempts
    assert response.ms >= 0
    if row.detail is not None:
        assert response.failure is not None and row.detail in response.failure.detail
    if response.failure is not None:
        assert response.failure.detail.isprintable() and str(outcome.server.port) not in response.failure.detail


def test_nobody_ever_connected_to_an_address_that_is_not_allowed(outcome: Outcome) -> None:
    assert outcome.server.accepted > 0
    assert outcome.neighbour.accepted == 0


def test_what_is_asked_for(outcome: Outcome) -> None:
    headers = outcome.server.requests("/plain")[0].headers
    assert headers["user-agent"] == SETTINGS.user_agent
    assert headers["accept-encoding"] == "identity"
    for exchange in outcome.server.seen:
        assert exchange.headers["host"].endswith(f":{outcome.server.port}")
        assert not {"cookie", "authorization", "referer"} & exchange.headers.keys()

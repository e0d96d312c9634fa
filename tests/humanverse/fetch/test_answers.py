"""What servers answer, honest and hostile, and what becomes of it. All rows of a table run in one ``stream``."""

from __future__ import annotations

import asyncio
import gzip
import ipaddress
import shutil
import socket
import ssl
import subprocess
import threading
import time
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from humanverse.fetch import FetchSettings, Response
from humanverse.fetch.addresses import Address
from humanverse.fetch.stream import stream
from tests.servers import Behaviour, Exchange, Server, free_port, serve, silent_port

PICTURE = bytes(range(256)) * 20
CAP = 100_000
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def only_loopback_one(address: Address) -> bool:
    """The test server's address is allowed, its neighbour 127.0.0.2 and all others are not."""
    return address == ipaddress.ip_address("127.0.0.1")


def lookup(host: str) -> Sequence[str]:
    return {"inside.example": ["10.0.0.1", "::1"], "mixed.example": ["10.0.0.1", "127.0.0.1"]}.get(host, ["127.0.0.1"])


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


def hops(count: int) -> dict[str, Behaviour]:
    """``/hops<count>`` redirects ``count`` times before the picture."""
    steps = {
        f"/hops{count}" + (f"-{step}" if step else ""): redirect(f"hops{count}-{step + 1}") for step in range(count)
    }
    return {**steps, f"/hops{count}-{count}": reply(200, PICTURE)}


def deflated(wbits: int) -> bytes:
    stream_ = zlib.compressobj(wbits=wbits)
    return stream_.compress(PICTURE) + stream_.flush()


MEMBERS = gzip.compress(PICTURE[:99]) + gzip.compress(PICTURE[99:])
BOMB = gzip.compress(bytes(CAP * 100))
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
    "chunked": Row(raw(CHUNKED, b"5\r\nhello\r\n", b"4;ext=1\r\n you\r\n0\r\nTrailer: x\r\n\r\n", close=False), data=b"hello you"),
    "bare-line-feeds": Row(raw(b"HTTP/1.1 200 OK\nContent-Length: 3\n\nabc", close=False), data=b"abc"),
    "no-reason-phrase": Row(raw(b"HTTP/1.1 200\r\nContent-Length: 3\r\n\r\nabc", close=False), data=b"abc"),
    "after-103": Row(
        raw(b"HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", close=False),
        data=b"abc",
    ),
    "gzip": Row(reply(200, gzip.compress(PICTURE), "Content-Encoding: gzip")),
    "gzip-members": Row(reply(200, MEMBERS + b"\0\0", "Content-Encoding: x-gzip")),
    "deflate": Row(reply(200, deflated(15), "Content-Encoding: deflate")),
    "deflate-bare": Row(reply(200, deflated(-15), "Content-Encoding: Deflate")),
    "identity": Row(reply(200, PICTURE, "Content-Encoding: identity")),
    "exactly-the-cap": Row(reply(200, b"x" * CAP), data=b"x" * CAP),
    "gzip-exactly-the-cap": Row(reply(200, gzip.compress(bytes(CAP)), "Content-Encoding: gzip"), data=bytes(CAP)),
    "one-too-many": Row(raw(b"HTTP/1.0 200 OK\r\n\r\n" + b"x" * (CAP + 1)), "too_large"),
    "announced-too-large": Row(reply(200, b"", length=CAP + 1), "too_large", detail="announced 100001 bytes"),
    "endless": Row(endless(b"HTTP/1.0 200 OK\r\n\r\n", b"x" * 4096), "too_large"),
    "endless-chunked": Row(endless(CHUNKED, b"1000\r\n" + b"x" * 4096 + b"\r\n"), "too_large"),
    "gzip-bomb": Row(reply(200, BOMB, "Content-Encoding: gzip"), "too_large"),
    "gzip-endless": Row(endless(b"HTTP/1.0 200 OK\r\nContent-Encoding: gzip\r\n\r\n", gzip.compress(b"")), "too_large"),
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
}  # fmt: skip

SETTINGS = FetchSettings(
    timeout_s=30.0, connect_timeout_s=10.0, max_bytes=CAP, backoff_s=0.01, per_host=16, concurrency=16
)


@pytest.fixture(scope="module")
def answers() -> Iterator[tuple[dict[str, Response], Server]]:
    routes = {f"/{name}": row.behaviour for name, row in ROWS.items()}
    with serve({**routes, **hops(5), **hops(6)}) as server:
        names = list(ROWS)
        urls = [(index, server.url(f"/{name}")) for index, name in enumerate(names)]
        responses = {names[r.row]: r for r in stream(urls, SETTINGS, only_loopback_one, lookup)}
        yield responses, server


@pytest.mark.parametrize("name", ROWS)
def test_answer(name: str, answers: tuple[dict[str, Response], Server]) -> None:
    row, response = ROWS[name], answers[0][name]
    assert (response.failure and response.failure.reason) == row.reason
    assert response.data == (row.data if row.reason is None else None)
    assert response.http_status == row.status
    assert response.attempts == row.attempts
    assert response.ms >= 0
    if row.detail is not None:
        assert response.failure is not None and row.detail in response.failure.detail
    if response.failure is not None:
        assert response.failure.detail.isprintable() and str(answers[1].port) not in response.failure.detail


def test_what_is_asked_for(answers: tuple[dict[str, Response], Server]) -> None:
    headers = answers[1].requests("/plain")[0].headers
    assert headers["user-agent"] == SETTINGS.user_agent
    assert headers["accept-encoding"] == "identity"
    assert headers["host"] == f"127.0.0.1:{answers[1].port}"


def one(url: str | None, **changes: object) -> Response:
    """The response for a single URL under ``SETTINGS`` with ``changes``."""
    settings = SETTINGS.model_copy(update=changes)
    (response,) = stream([(7, url)], settings, only_loopback_one, lookup)
    assert response.row == 7
    return response


def reason(response: Response) -> str | None:
    return response.failure.reason if response.failure else None


def test_a_longer_body_than_announced_does_not_reach_the_next_url() -> None:
    sent = threading.Event()

    async def lie(exchange: Exchange) -> None:
        await exchange.reply(200, b"abc")
        await asyncio.sleep(0.02)
        await exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison")
        sent.set()

    def urls() -> Iterator[tuple[int, str]]:
        yield 0, server.url("/lie")
        assert sent.wait(30)
        time.sleep(0.05)
        yield 1, server.url("/next")

    with serve({"/lie": lie, "/next": reply(200, PICTURE)}) as server:
        responses = {response.row: response.data for response in stream(urls(), SETTINGS, only_loopback_one)}
    assert responses == {0: b"abc", 1: PICTURE}


def test_no_credentials_no_cookies_no_reordering_of_escapes() -> None:
    routes = {"/a%2Fb/../c": reply(200, PICTURE, "Set-Cookie: id=1; Path=/")}
    with serve(routes) as server:
        target = "/a%2Fb/../c?sig=%3D%3d&u=a+b%20c"
        url = server.url(target, host="user:secret@127.0.0.1")
        responses = list(
            stream([(0, url), (1, url)], SETTINGS.model_copy(update={"concurrency": 1}), only_loopback_one)
        )
        assert [r.data for r in responses] == [PICTURE, PICTURE]
        for seen in server.seen:
            assert seen.target == target
            assert not {"cookie", "authorization"} & seen.headers.keys()


def test_opt_out_can_be_switched_off() -> None:
    with serve({"/a": reply(200, PICTURE, "X-Robots-Tag: noai")}) as server:
        assert one(server.url("/a"), opt_out=False).data == PICTURE
        assert one(server.url("/a"), opt_out_tokens=("noindex",)).data == PICTURE


def test_retry_after_is_waited_for() -> None:
    with serve({"/a": in_turn(reply(429, b"", "Retry-After: 1"), reply(200, PICTURE))}) as server:
        response = one(server.url("/a"))
    assert response.data == PICTURE
    assert response.ms >= 1000


def test_names_international_and_mixed() -> None:
    with serve({"/a": reply(200, PICTURE)}) as server:
        assert one(server.url("/a", host="bücher.example")).data == PICTURE
        assert server.seen[0].headers["host"] == f"xn--bcher-kva.example:{server.port}"
        assert one(server.url("/a", host="mixed.example")).data == PICTURE
        inside = one(server.url("/a", host="inside.example"))
    assert reason(inside) == "private_address"
    assert inside.attempts == 1 and inside.http_status is None


@pytest.mark.parametrize("host", ["127.0.0.2", "127.2", "0x7f000002", "2130706434", "[::1]", "[::ffff:127.0.0.2]", "0"])
def test_literal_addresses_that_are_not_allowed(host: str) -> None:
    with serve({"/a": reply(200, PICTURE)}) as server:
        assert reason(one(server.url("/a", host=host))) == "private_address"
        assert not server.seen


@pytest.mark.parametrize(
    ("url", "expected"),
    [(None, "invalid_url"), ("", "invalid_url"), ("no url", "invalid_url"), ("http://a:b:c/", "invalid_url"),
     ("file:///etc/passwd", "forbidden_scheme"), ("ftp://a/b", "forbidden_scheme")],
)  # fmt: skip
def test_what_is_never_tried(url: str | None, expected: str) -> None:
    response = one(url)
    assert reason(response) == expected
    assert response.attempts == 0 and response.http_status is None


def test_closed_port() -> None:
    response = one(f"http://127.0.0.1:{free_port()}/a")
    assert reason(response) == "connect"
    assert response.failure is not None and response.failure.detail == "Connection refused"
    assert response.attempts == 3


def test_tls_where_there_is_none() -> None:
    with serve({"/a": reply(200, PICTURE)}) as server:
        response = one(server.url("/a").replace("http:", "https:"))
    assert reason(response) == "tls"
    assert response.attempts == 1


@pytest.fixture(scope="module")
def self_signed(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs the openssl program to make a certificate")
    folder: Path = tmp_path_factory.mktemp("tls")
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=x",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", folder / "key.pem", "-out", folder / "cert.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context


def test_a_certificate_that_nobody_vouches_for(self_signed: ssl.SSLContext) -> None:
    with serve({"/a": reply(200, PICTURE)}, tls=self_signed) as server:
        response = one(server.url("/a"))
        assert not server.seen
    assert reason(response) == "tls"
    assert response.failure is not None and "self-signed" in response.failure.detail.replace(
        "self signed", "self-signed"
    )


def test_plain_http_to_a_tls_port(self_signed: ssl.SSLContext) -> None:
    with serve({"/a": reply(200, PICTURE)}, tls=self_signed) as server:
        assert reason(one(server.url("/a").replace("https:", "http:"))) in {"connect", "protocol"}


def test_names_that_do_not_resolve() -> None:
    calls: list[str] = []

    def fail(host: str) -> Sequence[str]:
        calls.append(host)
        number = socket.EAI_AGAIN if host == "later.example" else socket.EAI_NONAME
        raise socket.gaierror(number, "no such name")

    urls = [(0, "http://never.example/"), (1, "http://later.example/")]
    never, later = sorted(stream(urls, SETTINGS, only_loopback_one, fail), key=lambda r: r.row)
    assert (reason(never), never.attempts) == ("dns", 1)
    assert (reason(later), later.attempts) == ("dns", 3)
    assert never.failure is not None and never.failure.detail == "no such name"
    assert sorted(calls) == ["later.example"] * 3 + ["never.example"]


SLOW: dict[str, tuple[Behaviour, int | None]] = {
    "silence": (silence, None),
    "drip": (endless(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n", b"x", 0.1), 200),
    "drip-gzip": (
        endless(b"HTTP/1.0 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + b"\x1f\x8b\x08\x08\0\0\0\0\0\0", b"n", 0.1),
        200,
    ),
    "drip-headers": (endless(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n", 0.1), None),
    "endless-continue": (endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.01), None),
    "stops-in-body": (raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", close=False), 200),
    "stops-after-503": (in_turn(reply(503), silence), 503),
    "stops-after-redirect": (in_turn(redirect("/silence"), silence), 302),
}


def test_slow_servers_run_into_the_deadline() -> None:
    with serve({f"/{name}": behaviour for name, (behaviour, _) in SLOW.items()}) as server:
        names = list(SLOW)
        settings = SETTINGS.model_copy(update={"timeout_s": 1.0})
        urls = [(index, server.url(f"/{name}")) for index, name in enumerate(names)]
        responses = list(stream(urls, settings, only_loopback_one))
    assert {names[r.row]: (reason(r), r.http_status) for r in responses} == {
        name: ("timeout", status) for name, (_, status) in SLOW.items()
    }
    assert {r.failure.detail for r in responses if r.failure} == {"not done within 1 s"}


def test_a_tls_handshake_that_is_never_answered() -> None:
    with silent_port() as port:
        response = one(f"https://127.0.0.1:{port}/", connect_timeout_s=0.3, retries=1)
    assert (reason(response), response.attempts) == ("timeout", 2)


def test_a_name_server_that_is_never_heard_of() -> None:
    answered = threading.Event()

    def hang(host: str) -> Sequence[str]:
        answered.wait(30)
        return []

    settings = SETTINGS.model_copy(update={"connect_timeout_s": 0.2, "retries": 1})
    try:
        (response,) = stream([(0, "http://slow.example/")], settings, only_loopback_one, hang)
    finally:
        answered.set()
    assert (reason(response), response.attempts) == ("dns", 2)

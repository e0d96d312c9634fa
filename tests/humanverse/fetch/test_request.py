"""One URL at a time: what is sent, what is refused, TLS, names, deadlines."""

from __future__ import annotations

import asyncio
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from humanverse.fetch import Response
from humanverse.fetch.addresses import is_any
from humanverse.fetch.stream import stream
from tests.humanverse.fetch.test_answers import PICTURE, SETTINGS, lookup, only_loopback_one
from tests.servers import (
    Behaviour,
    Exchange,
    endless,
    free_port,
    in_turn,
    raw,
    redirect,
    reply,
    serve,
    silence,
    silent_port,
)


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
        await exchange.reply(200, b"\0bc")
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
    assert responses == {0: b"\0bc", 1: PICTURE}


def test_no_credentials_no_cookies_no_reordering_of_escapes() -> None:
    routes = {"/a%2Fb/../c": reply(200, PICTURE, "Set-Cookie: id=1; Path=/")}
    with serve(routes) as server:
        target = "/a%2Fb/../c?sig=%3D%3d&u=a+b%20c"
        url = server.url(target, host="user:secret@name.example")
        responses = list(
            stream([(0, url), (1, url)], SETTINGS.model_copy(update={"concurrency": 1}), only_loopback_one, lookup)
        )
        assert [r.data for r in responses] == [PICTURE, PICTURE]
        for seen in server.seen:
            assert seen.target == target
            assert not {"cookie", "authorization"} & seen.headers.keys()


def test_ipv6() -> None:
    try:
        with serve({"/a": reply(200, PICTURE)}, address="::1") as server:
            (response,) = stream([(0, server.url("/a", host="[::1]"))], SETTINGS, is_any)
            assert server.seen[0].headers["host"] == f"[::1]:{server.port}"
    except OSError:
        pytest.skip("this machine has no IPv6")
    assert response.data == PICTURE


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


@dataclass(frozen=True)
class Certificates:
    """Server contexts by what is wrong with their certificate; ``authority`` vouches for all but ``unknown``."""

    authority: Path
    contexts: dict[str, ssl.SSLContext]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs the openssl program to make certificates")
    folder: Path = tmp_path_factory.mktemp("tls")

    def run(*arguments: str) -> None:
        subprocess.run([openssl, *arguments], check=True, capture_output=True, cwd=folder)

    new = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    run(*new, "-subj", "/CN=authority", "-keyout", "authority.key", "-out", "authority.pem")
    run(
        *new,
        "-subj",
        "/CN=x",
        "-addext",
        "subjectAltName=IP:127.0.0.1",
        "-keyout",
        "unknown.key",
        "-out",
        "unknown.pem",
    )
    Path(folder, "index.txt").touch()
    Path(folder, "ca.conf").write_text(
        "[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\nnew_certs_dir=.\nrand_serial=yes\nemail_in_dn=no\nunique_subject=no\n"
        "default_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n"
    )
    kinds = {
        "good": ("IP:127.0.0.1", "20200101000000Z", "20991231235959Z"),
        "expired": ("IP:127.0.0.1", "20200101000000Z", "20210101000000Z"),
        "for another": ("DNS:another.example", "20200101000000Z", "20991231235959Z"),
    }
    for kind, (name, start, end) in kinds.items():
        Path(folder, "names").write_text(f"subjectAltName={name}")
        run(*new[:1], *new[2:], "-subj", "/CN=x", "-keyout", f"{kind}.key", "-out", "request")
        run("ca", "-batch", "-config", "ca.conf", "-cert", "authority.pem", "-keyfile", "authority.key", "-in", "request",
            "-extfile", "names", "-startdate", start, "-enddate", end, "-out", f"{kind}.pem", "-notext")  # fmt: skip
    contexts = {}
    for kind in ("unknown", *kinds):
        contexts[kind] = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        contexts[kind].load_cert_chain(folder / f"{kind}.pem", folder / f"{kind}.key")
    return Certificates(folder / "authority.pem", contexts)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("good", None),
        ("expired", "certificate has expired"),
        ("for another", "IP address mismatch"),
        ("unknown", "self-signed certificate"),
    ],
)
def test_certificates(
    kind: str, expected: str | None, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    trusting = ssl.create_default_context(cafile=str(certificates.authority))
    monkeypatch.setattr(aiohttp.connector, "_SSL_CONTEXT_VERIFIED", trusting)
    with serve({"/a": reply(200, PICTURE)}, tls=certificates.contexts[kind]) as server:
        response = one(server.url("/a"))
        assert len(server.seen) == (expected is None)
    if expected is None:
        assert response.data == PICTURE
    else:
        assert reason(response) == "tls" and response.attempts == 1
        assert response.failure is not None and expected in response.failure.detail


def test_plain_http_to_a_tls_port(certificates: Certificates) -> None:
    with serve({"/a": reply(200, PICTURE)}, tls=certificates.contexts["unknown"]) as server:
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
    "chunk-extension-endless": (
        endless(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;", b"a" * 4096, 0.01),
        200,
    ),
    "chunk-size-drip": (endless(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"0", 0.1), 200),
    "endless-continue": (endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.01), None),
    "stops-in-body": (raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", close=False), 200),
    "stops-after-503": (in_turn(reply(503), silence), 503),
    "stops-after-redirect": (in_turn(redirect("/silence"), silence), 302),
}


def test_slow_servers_run_into_the_deadline() -> None:
    with serve({f"/{name}": behaviour for name, (behaviour, _) in SLOW.items()}) as server:
        names = list(SLOW)
        settings = SETTINGS.model_copy(update={"timeout_s": 1.0})
        urls = [(index, server.url(f"/{name}", host=f"{name}.example")) for index, name in enumerate(names)]
        responses = list(stream(urls, settings, only_loopback_one, lookup))
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

"""robots.txt as many hosts serve it, all behind one loopback server, and what may be fetched then."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Iterator, Mapping, Sequence

import pytest
from yarl import URL

from humanverse.fetch import FetchSettings, Response
from humanverse.fetch import robots as robots_module
from humanverse.fetch.failures import FetchError
from humanverse.fetch.robots import MOST_BYTES, Robots
from humanverse.fetch.stream import stream
from tests.humanverse.fetch.test_answers import PICTURE, lookup, only_loopback_one
from tests.servers import Behaviour, Exchange, Server, endless, in_turn, raw, redirect, reply, serve, silence

SETTINGS = FetchSettings(robots=True, backoff_s=0.01, retries=1, per_host=16, concurrency=32)


def by_host(behaviours: Mapping[str, Behaviour]) -> Behaviour:
    """Hosts that are not named answer 404. A request's number is counted per host."""
    numbers: dict[str, int] = {}

    async def behave(exchange: Exchange) -> None:
        host = exchange.headers["host"].rpartition(".example")[0]
        numbers[host] = exchange.number = numbers.get(host, 0) + 1
        await behaviours.get(host, reply(404))(exchange)

    return behave


def says(text: str) -> Behaviour:
    return reply(200, text.encode(), "Content-Type: text/plain")


NOTHING = "User-agent: *\nDisallow: /\n"
FLOOD = "#" * 79 + "\n"

HOSTS: dict[str, tuple[Behaviour, str | None]] = {
    "all": (says(NOTHING), "robots"),
    "us": (says("User-agent: HumanVerse\nDisallow: /a\n\nUser-agent: *\nDisallow:\n"), "robots"),
    "us-allowed": (says("User-agent: humanverse\nAllow: /\n\n" + NOTHING), None),
    "others": (says("User-agent: otherbot\nDisallow: /\n"), None),
    "elsewhere": (says("User-agent: *\nDisallow: /b\n"), None),
    "longest": (says("User-agent: *\nDisallow: /\nAllow: /a\n"), None),
    "pattern": (says("User-agent: *\nDisallow: /*.jpg$\n"), "robots"),
    "query": (says("User-agent: *\nDisallow: /*?size=\n"), "robots"),
    "two-groups": (says("User-agent: *\nDisallow: /x\n\nUser-agent: *\nDisallow: /a\n"), "robots"),
    "byte-order-mark": (says("\ufeff" + NOTHING), "robots"),
    "not-utf-8": (reply(200, b"# \xff\xfe\n" + NOTHING.encode()), "robots"),
    "compressed": (reply(200, gzip.compress(NOTHING.encode()), "Content-Encoding: gzip"), "robots"),
    "bomb": (reply(200, gzip.compress(b"#" * 50_000_000), "Content-Encoding: gzip"), None),
    "page": (says("<!DOCTYPE html><h1>Welcome</h1>"), None),
    "empty": (reply(200), None),
    "long": (says(NOTHING + FLOOD * (MOST_BYTES // 80 + 9)), "robots"),
    "too-long": (says(FLOOD * (MOST_BYTES // 80 + 9) + NOTHING), None),
    "endless": (endless(b"HTTP/1.0 200 OK\r\n\r\n", FLOOD.encode() * 100), None),
    "401": (reply(401), None),
    "404": (reply(404), None),
    "204": (raw(b"HTTP/1.1 204 No Content\r\n\r\n", close=False), None),
    "500": (reply(500), "robots"),
    "500-once": (in_turn(reply(500), says("")), None),
    "503": (reply(503), "robots"),
    "429": (reply(429, b"", "Retry-After: 3600"), "robots"),
    "429-once": (in_turn(reply(429, b"", "Retry-After: 0"), says("")), None),
    "garbage": (raw(b"\0\1\2 no HTTP\r\n\r\n"), "robots"),
    "closed": (raw(), "connect"),
    "moved": (redirect("http://all.example:PORT/robots.txt", 301), "robots"),
    "circle": (redirect("/robots.txt"), None),
    "moved-inside": (redirect("http://127.0.0.2:PORT/robots.txt"), "private_address"),
    "moved-to-file": (redirect("file:///etc/passwd"), "robots"),
}


@pytest.fixture(scope="module")
def answers() -> Iterator[tuple[dict[str, Response], Server]]:
    with serve({"/robots.txt": by_host({host: answer for host, (answer, _) in HOSTS.items()}),
                "/a.jpg": reply(200, PICTURE)}) as server:  # fmt: skip
        names = list(HOSTS)
        urls = [(index, server.url("/a.jpg?size=9" if name == "query" else "/a.jpg", host=f"{name}.example"))
                for index, name in enumerate(names)]  # fmt: skip
        yield {names[r.row]: r for r in stream(urls, SETTINGS, only_loopback_one, lookup)}, server


@pytest.mark.parametrize("host", HOSTS)
def test_what_robots_txt_allows(host: str, answers: tuple[dict[str, Response], Server]) -> None:
    response = answers[0][host]
    asked = [seen for seen in answers[1].requests("/a.jpg") if seen.headers["host"].startswith(f"{host}.example")]
    expected = HOSTS[host][1]
    assert (response.failure and response.failure.reason) == expected
    if expected is None:
        assert response.data == PICTURE
    else:
        assert not asked and response.http_status is None
        assert response.failure is not None and response.failure.detail.startswith("robots.txt")
        assert response.failure.status == ("rejected" if expected == "robots" else "failed")


def test_it_is_asked_for_once_for_each_scheme_host_and_port() -> None:
    routes = {"/robots.txt": says("User-agent: *\nDisallow: /b\n"), "/a": reply(200, PICTURE)}
    with serve(routes) as first, serve(routes) as second:
        urls = [(row, (first, second)[row % 2].url(("/a", "/b")[row // 2 % 2])) for row in range(80)]
        responses = list(stream(urls, SETTINGS, only_loopback_one))
        assert [len(server.requests("/robots.txt")) for server in (first, second)] == [1, 1]
        assert not first.requests("/b") and not second.requests("/b")
    assert sum(response.data == PICTURE for response in responses) == 40


def test_without_the_setting_it_is_not_asked_for() -> None:
    with serve({"/robots.txt": says(NOTHING), "/a": reply(200, PICTURE)}) as server:
        (response,) = stream([(0, server.url("/a"))], SETTINGS.model_copy(update={"robots": False}), only_loopback_one)
        assert response.data == PICTURE
        assert not server.requests("/robots.txt")


def test_the_target_of_a_redirect_has_rules_of_its_own() -> None:
    routes = {
        "/robots.txt": by_host({"strict": says(NOTHING)}),
        "/a": redirect("http://strict.example:PORT/b"),
        "/b": reply(200, PICTURE),
    }
    with serve(routes) as server:
        (response,) = stream([(0, server.url("/a", host="open.example"))], SETTINGS, only_loopback_one, lookup)
        assert not server.requests("/b")
    assert response.failure is not None and response.failure.reason == "robots"
    assert response.http_status == 302


def test_a_robots_txt_that_never_comes_takes_no_more_than_its_own_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(robots_module, "TIME_LIMIT_S", 0.3)
    with serve({"/robots.txt": silence, "/a": reply(200, PICTURE)}) as server:
        responses = list(stream([(row, server.url("/a")) for row in range(5)], SETTINGS, only_loopback_one))
        assert not server.requests("/a")
    assert {response.failure.reason for response in responses if response.failure} == {"timeout"}
    assert len(responses) == 5


def remember(texts: Sequence[bytes]) -> int:
    """How many hosts must be asked again when each is asked for in turn, twice."""
    asked: list[URL] = []

    async def ask(url: URL) -> bytes:
        asked.append(url)
        return texts[(len(asked) - 1) % len(texts)]

    async def main() -> None:
        robots = Robots("humanverse")
        for _ in range(2):
            for host in range(len(texts)):
                await robots.check(URL(f"http://host{host}.example/a"), ask)

    asyncio.run(main())
    return len(asked) - len(texts)


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [b"#" * 500] * 10
    assert remember(texts) == 0
    monkeypatch.setattr(robots_module, "CACHE_BYTES", 5000)
    assert remember(texts) == 10


def test_what_nobody_foresaw_forbids_the_host_and_harms_no_other() -> None:
    async def ask(url: URL) -> bytes:
        raise ZeroDivisionError("odd")

    with pytest.raises(FetchError, match=r"robots: robots\.txt: ZeroDivisionError: odd"):
        asyncio.run(Robots("humanverse").check(URL("http://a.example/"), ask))

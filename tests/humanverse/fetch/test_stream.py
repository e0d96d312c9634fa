from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from humanverse.errors import UserError
from humanverse.fetch import FetchSettings, fetch
from humanverse.fetch import stream as stream_module
from humanverse.fetch.addresses import is_any
from humanverse.fetch.stream import stream
from tests.servers import Exchange, serve, serve_folder

SETTINGS = FetchSettings(concurrency=4, per_host=4, backoff_s=0.01)


async def picture(exchange: Exchange) -> None:
    await exchange.reply(200, b"\0" + exchange.target.encode())


async def soon(exchange: Exchange) -> None:
    await asyncio.sleep(0.03)
    await exchange.reply(200, b"\0soon")


async def never(exchange: Exchange) -> None:
    await asyncio.sleep(60)


def settle() -> None:
    """Give the loop's thread the time to do what it must not do."""
    time.sleep(0.3)


def no_thread_is_left() -> bool:
    return all(thread.name != "fetch" for thread in threading.enumerate())


def test_a_folder_of_files(tmp_path: Path) -> None:
    for index in range(30):
        (tmp_path / f"{index}.bin").write_bytes(b"\0%d" % index * (index + 1))
    with serve_folder(tmp_path) as base:
        urls = [(index, f"{base}/{index}.bin") for index in range(30)]
        found = {response.row: response.data for response in fetch(urls, SETTINGS, allow_private=True)}
    assert found == {index: b"\0%d" % index * (index + 1) for index in range(30)}
    assert no_thread_is_left()


def test_private_addresses_are_refused_unless_allowed() -> None:
    with serve({"/a": picture}) as server:
        (refused,) = fetch([(0, server.url("/a"))], SETTINGS)
        assert refused.failure is not None and refused.failure.reason == "private_address"
        assert not server.seen
        (localhost,) = fetch([(0, server.url("/a", host="localhost"))], SETTINGS)
        assert localhost.failure is not None and localhost.failure.reason == "private_address"
        assert not server.seen


def test_each_row_once_whatever_it_is() -> None:
    with serve({"/a": picture}) as server:
        kinds = [server.url("/a"), None, "nothing", server.url("/b"), "ftp://x/", server.url("/a?2")]
        urls = [(row, kinds[row % len(kinds)]) for row in range(300)]
        responses = list(fetch(urls, SETTINGS, allow_private=True))
    assert sorted(response.row for response in responses) == list(range(300))
    reasons = {r.row % len(kinds): r.failure.reason if r.failure else None for r in responses}
    assert reasons == {0: None, 1: "invalid_url", 2: "invalid_url", 3: "http_4xx", 4: "forbidden_scheme", 5: None}


def test_nothing_in_nothing_out() -> None:
    assert list(fetch([], SETTINGS)) == []
    assert no_thread_is_left()


def test_rows_are_the_callers_business() -> None:
    with serve({"/a": picture}) as server:
        urls = [(row, server.url("/a")) for row in (5, -1, 5, 10**12)]
        assert sorted(r.row for r in fetch(urls, SETTINGS, allow_private=True)) == [-1, 5, 5, 10**12]


def test_responses_come_as_they_end() -> None:
    release = threading.Event()

    async def wait(exchange: Exchange) -> None:
        while not release.is_set():
            await asyncio.sleep(0.01)
        await exchange.reply(200, b"\0late")

    with serve({"/a": picture, "/wait": wait}) as server:
        responses = fetch([(0, server.url("/wait")), (1, server.url("/a"))], SETTINGS, allow_private=True)
        assert next(responses).row == 1
        release.set()
        assert next(responses).row == 0
        assert next(responses, None) is None


def test_no_more_than_concurrency_and_per_host_at_once() -> None:
    with serve({"/a": soon}) as server:
        urls = [(row, server.url("/a")) for row in range(40)]
        settings = FetchSettings(concurrency=10, per_host=3)
        assert len(list(fetch(urls, settings, allow_private=True))) == 40
        assert server.most_open == 3
    with serve({"/a": soon}) as server:
        urls = [(row, server.url("/a", host=f"host{row % 20}.example")) for row in range(60)]
        settings = FetchSettings(concurrency=5, per_host=3)
        assert len(list(stream(urls, settings, is_any, lambda _: ["127.0.0.1"]))) == 60
        assert server.most_open == 5


def test_a_host_that_hangs_does_not_hold_up_the_others() -> None:
    settings = FetchSettings(concurrency=4, per_host=2, timeout_s=30)
    with serve({"/never": never, "/a": picture}) as server:
        urls = [(row, server.url("/never", host="dead.example")) for row in range(8)]
        urls += [(100 + row, server.url("/a", host="alive.example")) for row in range(8)]
        responses = stream(urls, settings, is_any, lambda _: ["127.0.0.1"])
        first = [next(responses).row for _ in range(8)]
        responses.close()
    assert sorted(first) == list(range(100, 108))


def test_waiting_for_a_place_at_the_host_is_not_counted_against_a_url() -> None:
    async def slow(exchange: Exchange) -> None:
        await asyncio.sleep(0.4)
        await exchange.reply(200, b"\0slow")

    with serve({"/a": slow}) as server:
        urls = [(row, server.url("/a")) for row in range(5)]
        settings = FetchSettings(concurrency=5, per_host=1, timeout_s=1.5)
        assert [r.data for r in fetch(urls, settings, allow_private=True)] == [b"\0slow"] * 5


def test_a_slow_consumer_slows_the_downloads() -> None:
    with serve({"/a": picture}) as server:
        urls = ((row, server.url("/a")) for row in range(200))
        responses = fetch(urls, SETTINGS, allow_private=True)
        taken = 0
        for _ in range(3):
            next(responses)
            taken += 1
            settle()
            assert len(server.seen) <= taken + 2 * SETTINGS.concurrency
        assert taken + len(list(responses)) == 200


def test_the_source_is_read_a_little_ahead_only() -> None:
    read: list[int] = []

    def endless(url: str) -> Iterator[tuple[int, str]]:
        for row in itertools.count():
            read.append(row)
            yield row, url

    with serve({"/a": picture}) as server:
        responses = fetch(endless(server.url("/a")), SETTINGS, allow_private=True)
        for _ in range(50):
            next(responses)
        responses.close()
    assert 50 <= len(read) <= 50 + stream_module.AHEAD * SETTINGS.concurrency + 1
    assert no_thread_is_left()


def test_closing_early_ends_what_is_in_flight() -> None:
    with serve({"/never": never, "/a": picture}) as server:
        urls = [(0, server.url("/a")), *((row, server.url("/never")) for row in range(1, 100))]
        responses = fetch(urls, FetchSettings(concurrency=50, per_host=50), allow_private=True)
        assert next(responses).row == 0
        responses.close()
    assert no_thread_is_left()


def test_an_iterator_that_is_never_started_holds_nothing() -> None:
    fetch([(0, "http://a.example/")], SETTINGS).close()
    assert no_thread_is_left()


def test_an_error_of_the_source_is_the_callers() -> None:
    def broken() -> Iterator[tuple[int, str]]:
        yield 0, "ftp://x/"
        raise KeyError("the table ends here")

    with pytest.raises(KeyError, match="the table ends here"):
        list(fetch(broken(), SETTINGS))
    assert no_thread_is_left()


def test_what_nobody_foresaw_costs_one_row() -> None:
    def lookup(host: str) -> list[str]:
        if host == "odd.example":
            raise ZeroDivisionError("odd indeed")
        return ["127.0.0.1"]

    with serve({"/a": picture}) as server:
        urls = [(0, "http://odd.example/"), (1, server.url("/a", host="fine.example"))]
        odd, fine = sorted(stream(urls, SETTINGS, is_any, lookup), key=lambda response: response.row)
    assert odd.failure is not None
    assert (odd.failure.reason, odd.failure.detail) == ("protocol", "ZeroDivisionError: odd indeed")
    assert fine.data == b"\0/a"


def test_a_thread_that_cannot_start_is_an_error_not_a_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> aiohttp.ClientSession:
        raise OSError("no file descriptors")

    monkeypatch.setattr(stream_module, "open_session", broken)
    with pytest.raises(RuntimeError, match="ended unexpectedly") as caught:
        list(fetch([(0, "http://a.example/")], SETTINGS))
    assert isinstance(caught.value.__cause__, OSError)


@pytest.mark.parametrize(
    "change",
    [
        {"user_agent": "two\r\nlines: 1"},
        {"user_agent": "  "},
        {"user_agent": "café"},
        {"proxy": "socks5://127.0.0.1:1080"},
        {"proxy": "127.0.0.1:3128"},
    ],
)
def test_settings_that_cannot_work_are_refused_at_once(change: dict[str, str]) -> None:
    with pytest.raises(UserError, match=r"^fetch\.(user_agent|proxy) must be .*recipe$"):
        fetch([], SETTINGS.model_copy(update=change))

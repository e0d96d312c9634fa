"""Politeness and its bounds, seen from real servers: what they are asked, and in which order answers come."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import pytest

from humanverse.fetch import FetchSettings, Response, fetch
from humanverse.fetch import stream as stream_module
from humanverse.fetch.addresses import is_any
from humanverse.fetch.budget import Account, Budget
from humanverse.fetch.deadline import Deadline
from humanverse.fetch.failures import FetchError
from humanverse.fetch.stream import stream
from humanverse.fetch.turns import Place, Turns
from tests.humanverse.fetch.test_answers import PICTURE
from tests.servers import Exchange, in_turn, redirect, reply, serve, silence

SETTINGS = FetchSettings(concurrency=8, per_host=4, backoff_s=0.01)
MEGABYTE = 1_000_000


def here(host: str) -> list[str]:
    return ["127.0.0.1"]


def reason(response: Response) -> str | None:
    return response.failure.reason if response.failure else None


class Note:
    """A ticket that notes what becomes of it."""

    def __init__(self, notes: list[str], name: str) -> None:
        self._notes, self._name = notes, name

    def start(self) -> None:
        self._notes.append(self._name)

    def refuse(self, error: FetchError) -> None:
        self._notes.append(f"{self._name}: {error.reason}")


@pytest.mark.parametrize("noticed", [False, True])
def test_a_turn_that_comes_to_somebody_who_was_cancelled_is_passed_on(noticed: bool) -> None:
    """``noticed``: the waiting task learns of its cancellation before the turn is given out; else after."""
    notes: list[str] = []

    async def main() -> None:
        turns = Turns(SETTINGS.model_copy(update={"per_host": 1}), lambda out: True, lambda: None)
        turns.queue("a", Note(notes, "holder"))
        turns.queue("b", Note(notes, "mover"))
        place = Place(turns, "b", Deadline(60))

        async def move() -> None:
            async with place.deadline:
                await place.come_to("a")

        moving = asyncio.create_task(move())
        await asyncio.sleep(0)
        steps: list[Callable[[], object]] = [lambda: turns.leave("a"), moving.cancel]
        for step in reversed(steps) if noticed else steps:
            step()
        await asyncio.gather(moving, return_exceptions=True)
        assert moving.cancelled()
        turns.queue("a", Note(notes, "next"))
        turns.queue("b", Note(notes, "next there"))

    asyncio.run(main())
    assert notes == ["holder", "mover", "next", "next there"]


@pytest.mark.parametrize(("status", "expected"), [(429, "http_429"), (503, "http_5xx")])
def test_a_host_that_asks_to_be_left_alone_is_and_others_are_not_delayed(status: int, expected: str) -> None:
    with serve({"/no": reply(status, b"", "Retry-After: 3600"), "/a": reply(200, PICTURE)}) as server:
        urls = [(row, server.url("/no", host="busy.example")) for row in range(100)]
        urls += [(100 + row, server.url("/a", host=f"host{row % 5}.example")) for row in range(100)]
        responses = list(stream(urls, SETTINGS, is_any, here))
        asked = len(server.requests("/no"))
    refused = [response for response in responses if response.row < 100]
    assert {(reason(r), r.http_status) for r in refused} == {(expected, status)}
    assert len({r.failure.detail for r in refused if r.failure}) == 1
    assert asked == sum(response.attempts for response in refused) <= SETTINGS.per_host
    assert sum(response.data == PICTURE for response in responses) == 100
    assert len(responses) == 200


def test_a_host_that_recovers_loses_no_url_and_is_asked_one_by_one_until_then() -> None:
    open_now: list[int] = []

    async def busy(exchange: Exchange) -> None:
        open_now.append(server._open)
        await asyncio.sleep(0.01)
        await (reply(429) if exchange.number <= 8 else reply(200, PICTURE))(exchange)

    with serve({"/a": busy}) as server:
        urls = [(row, server.url("/a")) for row in range(20)]
        settings = SETTINGS.model_copy(update={"retries": 20})
        responses = list(fetch(urls, settings, allow_private=True))
        assert sum(response.attempts for response in responses) == len(server.seen) == 28
    assert [response.data for response in responses] == [PICTURE] * 20
    assert open_now[4:9] == [1] * 5


def test_a_host_that_never_recovers_is_given_up() -> None:
    with serve({"/a": reply(503)}) as server:
        urls = [(row, server.url("/a")) for row in range(300)]
        settings = SETTINGS.model_copy(update={"host_patience_s": 0.05})
        responses = list(fetch(urls, settings, allow_private=True))
        assert len(server.seen) < 300
    assert {(reason(r), r.http_status) for r in responses} == {("http_5xx", 503)}
    assert sorted(response.row for response in responses) == list(range(300))


def test_a_single_refusal_of_one_url_costs_the_others_nothing() -> None:
    routes = {"/a": reply(200, PICTURE), "/odd": reply(503)}
    with serve(routes) as server:
        urls = [(row, server.url("/odd" if row == 5 else "/a")) for row in range(60)]
        responses = list(fetch(urls, SETTINGS, allow_private=True))
    assert [response.row for response in responses if response.failure] == [5]


def test_no_more_requests_a_second_than_the_rate_and_others_overtake() -> None:
    settings = SETTINGS.model_copy(update={"per_host_rate": 20.0})
    with serve({"/a": reply(200, PICTURE), "/moved": redirect("/a")}) as server:
        urls = [(row, server.url("/moved", host="slow.example")) for row in range(4)]
        urls += [(100 + row, server.url("/a", host=f"host{row}.example")) for row in range(40)]
        start = time.monotonic()
        responses = list(stream(urls, settings, is_any, here))
        assert time.monotonic() - start >= 7 / 20
    assert [response.data for response in responses] == [PICTURE] * 44
    assert responses[-1].row < 100


def test_one_silent_host_with_many_urls_delays_none_of_many_others() -> None:
    settings = FetchSettings(concurrency=16, per_host=8, retries=0)
    with serve({"/never": silence, "/a": reply(200, PICTURE)}) as server:
        urls = [(row, server.url("/never", host="silent.example")) for row in range(300)]
        urls += [(1000 + row, server.url("/a", host=f"host{row}.example")) for row in range(300)]
        responses = stream(urls, settings, is_any, here)
        first = [next(responses) for _ in range(300)]
        responses.close()
        assert len(server.requests("/never")) == 8
    assert sorted(response.row for response in first) == list(range(1000, 1300))


def test_a_silent_hosts_urls_time_out_after_all_others_are_done() -> None:
    settings = FetchSettings(concurrency=16, per_host=8, retries=0, timeout_s=1.5)
    with serve({"/never": silence, "/a": reply(200, PICTURE)}) as server:
        urls = [(row, server.url("/never", host="silent.example")) for row in range(8)]
        urls += [(1000 + row, server.url("/a", host=f"host{row}.example")) for row in range(100)]
        responses = list(stream(urls, settings, is_any, here))
    assert [response.row >= 1000 for response in responses] == [True] * 100 + [False] * 8
    assert {reason(response) for response in responses[100:]} == {"timeout"}


def test_redirects_take_turns_at_the_host_they_lead_to() -> None:
    at_once: list[int] = [0]

    async def target(exchange: Exchange) -> None:
        at_once.append(at_once[-1] + 1)
        await asyncio.sleep(0.01)
        at_once.append(at_once[-1] - 1)
        await exchange.reply(200, PICTURE)

    with serve({"/a": target, "/moved": redirect("http://target.example:PORT/a")}) as server:
        urls = [(row, server.url("/moved", host=f"host{row}.example")) for row in range(40)]
        settings = SETTINGS.model_copy(update={"per_host": 2})
        responses = list(stream(urls, settings, is_any, here))
    assert [response.data for response in responses] == [PICTURE] * 40
    assert max(at_once) == 2


def test_a_url_that_waits_to_try_again_takes_no_place_from_others() -> None:
    settings = FetchSettings(concurrency=1, per_host=1, backoff_s=0.5)
    with serve({"/a": reply(200, PICTURE), "/odd": in_turn(reply(500), reply(200, PICTURE))}) as server:
        urls = [(0, server.url("/odd", host="odd.example")), (1, server.url("/a", host="fine.example"))]
        responses = list(stream(urls, settings, is_any, here))
    assert [(response.row, response.attempts) for response in responses] == [(1, 1), (0, 2)]


def test_bodies_never_take_more_than_the_cap_and_one(monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[int] = []

    class Watched(Budget):
        def _grant(self, account: Account, size: int) -> bool:
            granted = super()._grant(account, size)
            used.append(self._used)
            return granted

    monkeypatch.setattr(stream_module, "Budget", Watched)
    body = bytes(MEGABYTE)
    settings = FetchSettings(concurrency=16, per_host=16, max_buffered_bytes=8 * MEGABYTE, max_bytes=2 * MEGABYTE)
    with serve({"/a": reply(200, body)}) as server:
        responses = fetch([(row, server.url("/a")) for row in range(200)], settings, allow_private=True)
        for taken in range(1, 201):
            assert next(responses).data == body
            if taken % 20 == 0:
                time.sleep(0.1)
                assert len(server.seen) <= taken + 8 + settings.concurrency
        assert next(responses, None) is None
    assert 8 * MEGABYTE <= max(used) <= 9 * MEGABYTE


def test_a_cap_smaller_than_any_body_lets_one_through_at_a_time() -> None:
    settings = SETTINGS.model_copy(update={"max_buffered_bytes": 1})
    with serve({"/a": reply(200, bytes(300_000)), "/odd": reply(200, b"\0" * 9, length=300_000)}) as server:
        urls = [(row, server.url("/odd" if row % 5 == 0 else "/a")) for row in range(40)]
        responses = list(fetch(urls, settings, allow_private=True))
    assert sorted(response.row for response in responses) == list(range(40))
    assert {response.row % 5 == 0 for response in responses if reason(response) == "truncated"} == {True}
    assert sum(response.data is not None for response in responses) == 32

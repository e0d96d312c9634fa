from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Sequence

import pytest

from humanverse.fetch import FetchSettings, fetch
from humanverse.fetch.addresses import is_any, is_public
from humanverse.fetch.connections import ThreadResolver, guarded_socket, system_lookup
from humanverse.fetch.failures import AddressRefused
from humanverse.fetch.stream import stream
from tests.servers import Exchange, free_port, serve

SETTINGS = FetchSettings(backoff_s=0.01, retries=0)


async def picture(exchange: Exchange) -> None:
    await exchange.reply(200, b"\0picture")


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "::1", "fe80::1%lo", "::ffff:127.0.0.1"])
def test_no_socket_for_an_address_that_is_not_public(address: str) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with pytest.raises(AddressRefused):
        guarded_socket(is_public)((family, socket.SOCK_STREAM, 0, "", (address, 80)))


def test_a_socket_for_a_public_address() -> None:
    with guarded_socket(is_public)((socket.AF_INET, socket.SOCK_STREAM, 0, "", ("8.8.8.8", 80))) as made:
        assert made.family == socket.AF_INET


def resolve(addresses: Sequence[str], host: str = "a.example") -> list[str]:
    async def main() -> list[str]:
        resolver = ThreadResolver(lambda _: addresses, is_public, timeout_s=10)
        return [answer["host"] for answer in await resolver.resolve(host, 80)]

    return asyncio.run(main())


def test_only_the_public_addresses_of_a_name_are_used() -> None:
    assert resolve(["10.0.0.1", "8.8.8.8", "::1", "2606:4700::1"]) == ["8.8.8.8", "2606:4700::1"]
    for refused in (["10.0.0.1", "::1"], ["169.254.169.254"], []):
        with pytest.raises(AddressRefused):
            resolve(refused)


def test_hanging_lookups_hold_up_no_other_loop_and_end_in_a_temporary_failure() -> None:
    released = threading.Event()

    def hang(host: str) -> Sequence[str]:
        released.wait(30)
        return ["8.8.8.8"]

    async def main() -> None:
        resolver = ThreadResolver(hang, is_any, timeout_s=0.05)
        with pytest.raises(socket.gaierror) as caught:
            await resolver.resolve("a.example", 80)
        assert caught.value.errno == socket.EAI_AGAIN

    try:
        asyncio.run(main())
    finally:
        released.set()


def test_system_lookup() -> None:
    assert set(system_lookup("localhost")) <= {"127.0.0.1", "::1"}
    with pytest.raises(OSError):
        system_lookup("name.invalid")


def test_a_name_whose_address_changes_between_check_and_use() -> None:
    """The second answer is checked like the first: a name server cannot lead us inside after a harmless answer."""
    answers = iter([["127.0.0.1"], ["127.0.0.2"]])
    with serve({"/a": picture}) as server:
        urls = [(row, server.url("/a", host=host)) for row, host in enumerate(("a.example", "b.example"))]
        settings = SETTINGS.model_copy(update={"concurrency": 1})
        responses = list(stream(urls, settings, lambda address: str(address) == "127.0.0.1", lambda _: next(answers)))
    assert responses[0].data == b"\0picture"
    assert responses[1].failure is not None and responses[1].failure.reason == "private_address"


def test_through_a_proxy() -> None:
    routes = {"http://public.example/a": picture, "http://public.example/in": _redirect_inside}
    with serve(routes) as proxy:
        settings = SETTINGS.model_copy(update={"proxy": proxy.url("")})
        hosts = ("public.example/a", "public.example/in", "10.0.0.1/a", "0x7f.1/a", "[::1]/a")
        urls = [(row, f"http://{rest}") for row, rest in enumerate(hosts)]
        responses = sorted(fetch(urls, settings), key=lambda response: response.row)
        asked = {exchange.target for exchange in proxy.seen}
    assert responses[0].data == b"\0picture"
    assert [response.failure.reason for response in responses[1:] if response.failure] == ["private_address"] * 4
    assert asked == set(routes)


async def _redirect_inside(exchange: Exchange) -> None:
    await exchange.reply(302, b"", "Location: http://192.168.0.1/a")


def test_a_proxy_that_is_not_there() -> None:
    settings = SETTINGS.model_copy(update={"proxy": f"http://127.0.0.1:{free_port()}"})
    (response,) = fetch([(0, "http://public.example/a")], settings)
    assert response.failure is not None
    assert (response.failure.reason, response.failure.detail) == ("connect", "proxy: Connection refused")


def test_a_proxy_that_refuses_to_tunnel() -> None:
    async def refuse(exchange: Exchange) -> None:
        await exchange.reply(403)

    with serve({"public.example:443": refuse}) as proxy:
        (response,) = fetch([(0, "https://public.example/a")], SETTINGS.model_copy(update={"proxy": proxy.url("")}))
    assert response.failure is not None
    assert (response.failure.reason, response.failure.detail) == ("connect", "proxy: HTTP 403")


def test_the_environment_names_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    monkeypatch.delenv("no_proxy", raising=False)
    with serve({"/a": picture}) as server:
        (response,) = fetch([(0, server.url("/a"))], SETTINGS, allow_private=True)
    assert response.data == b"\0picture"

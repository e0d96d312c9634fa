"""What is blocked is never contacted: not at first, not by a redirect, not for a robots.txt."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from yarl import URL

from humanverse.blocklists import Blocklists, read
from humanverse.fetch import Response
from humanverse.fetch.stream import stream
from tests.humanverse.fetch.test_answers import PICTURE, SETTINGS, lookup, only_loopback_one
from tests.servers import Behaviour, Server, redirect, reply, serve

ROUTES: Mapping[str, Behaviour] = {
    "/robots.txt": reply(404),
    "/a.jpg": reply(200, PICTURE),
    "/hop": redirect("http://img.bad.example:PORT/a.jpg"),
    "/two-hops": redirect("http://good.example:PORT/hop"),
    "/to-url": redirect("http://good.example:PORT/bad.jpg#x"),
    "/bad.jpg": reply(200, PICTURE),
}


def asked(paths: Mapping[str, str], folder: Path, **changes: object) -> tuple[dict[str, Response], Server]:
    """By path, what came of it at its host, with ``bad.example`` and one URL of ``good.example`` blocked."""
    with serve(ROUTES) as server:
        (folder / "domains.txt").write_text("bad.example\n")
        (folder / "urls.txt").write_text(server.url("/bad.jpg", host="good.example") + "\n")
        lists = Blocklists([read(kind, str(folder / f"{kind}.txt")) for kind in ("urls", "domains")])
        urls = [(row, server.url(path, host=host)) for row, (path, host) in enumerate(paths.items())]
        settings = SETTINGS.model_copy(update=changes)
        found = {r.row: r for r in stream(urls, settings, only_loopback_one, lookup, lists.url)}
    return {path: found[row] for row, path in enumerate(paths)}, server


@pytest.mark.parametrize("robots", [False, True])
def test_blocked_hosts_and_urls_see_no_request(tmp_path: Path, robots: bool) -> None:
    responses, server = asked(
        {
            "/a.jpg": "good.example",
            "/a.jpg?2": "bad.example",
            "/a.jpg?3": "deep.img.BAD.example.",
            "/bad.jpg": "GOOD.example",
            "/hop": "good.example",
            "/two-hops": "good.example",
            "/to-url": "good.example",
        },
        tmp_path,
        robots=robots,
    )
    assert responses.pop("/a.jpg").data == PICTURE
    for response in responses.values():
        assert response.failure is not None
        assert (response.data, response.failure.reason, response.failure.status) == (None, "blocked", "rejected")
    details = {path: response.failure.detail.split(" (")[0] for path, response in responses.items() if response.failure}
    on_domain = dict.fromkeys(("/a.jpg?2", "/a.jpg?3", "/hop", "/two-hops"), "domain bad.example")
    on_url = dict.fromkeys(("/bad.jpg", "/to-url"), f"URL http://good.example:{server.port}/bad.jpg")
    assert details == {**on_domain, **on_url}
    assert {seen.headers["host"] for seen in server.seen} == {f"good.example:{server.port}"}
    assert not server.requests("/bad.jpg")


def test_a_blocked_url_s_host_is_not_asked_for_robots_txt(tmp_path: Path) -> None:
    responses, server = asked({"/bad.jpg": "good.example"}, tmp_path, robots=True)
    assert responses["/bad.jpg"].failure is not None
    assert server.accepted == 0


def test_a_robots_txt_that_leads_to_a_blocked_domain_is_not_followed(tmp_path: Path) -> None:
    routes = {"/robots.txt": redirect("http://bad.example:PORT/robots.txt"), "/a.jpg": reply(200, PICTURE)}
    with serve(routes) as server:
        (response,) = stream(
            [(0, server.url("/a.jpg", host="good.example"))],
            SETTINGS.model_copy(update={"robots": True}),
            only_loopback_one,
            lookup,
            lambda url: "so it is" if url.raw_host == "bad.example" else None,
        )
    assert response.failure is not None
    assert (response.failure.reason, response.failure.detail) == ("robots", "robots.txt: so it is")
    assert [seen.headers["host"].split(":")[0] for seen in server.seen] == ["good.example"]


def test_names_of_blocked_hosts_are_not_looked_up() -> None:
    looked_up: list[str] = []

    def note(host: str) -> list[str]:
        looked_up.append(host)
        return ["127.0.0.1"]

    def blocked(url: URL) -> str | None:
        return "blocked" if url.raw_host == "bad.example" else None

    with serve(ROUTES) as server:
        urls = [(0, server.url("/a.jpg", host="bad.example")), (1, server.url("/a.jpg", host="good.example"))]
        list(stream(urls, SETTINGS, only_loopback_one, note, blocked))
    assert looked_up == ["good.example"]

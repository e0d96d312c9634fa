"""What counts as the same URL, the same domain, the same hash; and what is no entry."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from humanverse.blocklists.keys import KINDS, domains, host_of, normal, of_text
from humanverse.fetch.failures import FetchError
from humanverse.fetch.urls import parse_url


def key(kind: str, text: str) -> int:
    return KINDS[kind].key(text)


@pytest.mark.parametrize(
    "other",
    [
        "HTTP://A.example/p?q=1",
        "http://a.example:80/p?q=1",
        "http://a.example:080/p?q=1",
        "http://a.example./p?q=1",
        "http://a.example/p?q=1#part",
        "http://user:secret@a.example/p?q=1",
        "  http://a.example/p?q=1\t",
    ],
)
def test_urls_that_are_the_same(other: str) -> None:
    assert key("urls", other) == key("urls", "http://a.example/p?q=1")


@pytest.mark.parametrize(
    "other",
    [
        "https://a.example/p?q=1",
        "http://a.example:8080/p?q=1",
        "http://a.example/P?q=1",
        "http://a.example/p?q=1&r=2",
        "http://a.example/p/?q=1",
        "http://a.example/./p?q=1",
        "http://a.example/%70?q=1",
        "http://www.a.example/p?q=1",
    ],
)
def test_urls_that_are_not(other: str) -> None:
    assert key("urls", other) != key("urls", "http://a.example/p?q=1")


def test_the_port_that_is_left_out_is_the_scheme_s() -> None:
    assert key("urls", "https://a.example:443/") == key("urls", "https://a.example/")
    assert key("urls", "https://a.example:80/") != key("urls", "https://a.example/")


@settings(deadline=None, max_examples=300, derandomize=True)
@given(st.from_regex(r"https?://[a-zA-Z0-9._-]{1,20}(:[0-9]{1,3})?/[!-~]{0,20}", fullmatch=True))
def test_the_short_way_gives_what_the_long_way_gives(text: str) -> None:
    try:
        expected = of_text(normal(parse_url(text)))
    except FetchError:
        with pytest.raises(ValueError):
            key("urls", text)
    else:
        assert key("urls", text) == expected


@settings(deadline=None, max_examples=300, derandomize=True)
@given(st.from_regex(r"[a-zA-Z0-9._-]{1,30}", fullmatch=True))
def test_domains_are_read_as_hosts_of_urls_are(name: str) -> None:
    try:
        expected = of_text(host_of(parse_url(f"http://{name}/")))
    except FetchError:
        with pytest.raises(ValueError):
            key("domains", name)
    else:
        assert key("domains", name) == expected


def test_ways_to_write_a_domain() -> None:
    assert key("domains", "*.example.com") == key("domains", "Example.COM.") == key("domains", "example.com")
    assert key("domains", "bücher.example") == key("domains", "xn--bcher-kva.example")
    assert key("domains", "0x7f.1") == key("domains", "127.0.0.1")
    assert key("domains", "[2001:DB8:0::1]") == key("domains", "2001:db8::1")


def test_the_domains_of_a_host() -> None:
    assert domains("a.b.example.com") == ["a.b.example.com", "b.example.com", "example.com", "com"]
    assert domains("127.0.0.1") == ["127.0.0.1"]
    assert domains("2001:db8::1") == ["2001:db8::1"]
    assert host_of(parse_url("http://[2001:db8:0::1]:80/")) == "2001:db8::1"


def test_a_uid_stands_for_its_hash() -> None:
    assert key("hashes", "AB" * 32) == key("hashes", "uid:" + "ab" * 16) == 0xABABABABABABABAB


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("urls", "example.com/a.jpg"),
        ("urls", "ftp://example.com/a.jpg"),
        ("urls", "http://"),
        ("domains", "http://example.com"),
        ("domains", "example.com/a"),
        ("domains", "example.com:80"),
        ("domains", "0.0.0.0 example.com"),
        ("domains", "user@example.com"),
        ("domains", "a.*.example.com"),
        ("domains", "*."),
        ("domains", "a..example"),
        ("hashes", "ab" * 15),
        ("hashes", "ab" * 16),
        ("hashes", "uid:" + "ab" * 32),
        ("hashes", "uid:"),
        ("hashes", "ab" * 16 + "uid:"),
        ("hashes", "xy" * 32),
        ("hashes", "ab" * 20),
        ("phashes", "ab"),
        ("phashes", "0x" + "ab" * 7),
    ],
)
def test_what_is_no_entry(kind: str, text: str) -> None:
    with pytest.raises(ValueError):
        key(kind, text)


def test_an_md5_is_told_from_a_uid() -> None:
    md5 = "d41d8cd98f00b204e9800998ecf8427e"
    with pytest.raises(ValueError, match=f"look like an MD5: give the SHA-256; a uid is written uid:{md5}"):
        key("hashes", md5)

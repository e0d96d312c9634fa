"""What lists say of URLs, bytes and pictures."""

from __future__ import annotations

from pathlib import Path

import pytest

from humanverse.blocklists import BlockList, Blocklists, read


def lists(folder: Path, **contents: str) -> list[BlockList]:
    """A list of each kind that is given, from a file ``<kind>.txt``."""
    for kind, text in contents.items():
        (folder / f"{kind}.txt").write_text(text)
    return [read(kind, str(folder / f"{kind}.txt")) for kind in contents]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://a.example/bad.jpg", "URL http://a.example/bad.jpg (urls.txt)"),
        ("HTTP://A.example:80/bad.jpg#x", "URL http://a.example/bad.jpg (urls.txt)"),
        ("http://a.example/good.jpg", None),
        ("http://blocked.example/x", "domain blocked.example (domains.txt)"),
        ("https://img7.cdn.Blocked.example.:8443/x", "domain blocked.example (domains.txt)"),
        ("http://notblocked.example/x", None),
        ("http://blocked.example.org/x", None),
        ("http://example/x", None),
        ("http://0x7f.0.0.2/x", "domain 127.0.0.2 (domains.txt)"),
        ("http://[::ffff:127.0.0.2]/x", "domain 127.0.0.2 (domains.txt)"),
        ("http://1.127.0.0.2.example/x", None),
        ("http://[2001:db8:0:0::1]/x", "domain 2001:db8::1 (domains.txt)"),
        ("http://fotos.bücher.example/x", "domain xn--bcher-kva.example (domains.txt)"),
        ("/data/pictures/blocked.example/1.jpg", None),
        (None, None),
    ],
)
def test_urls_and_domains(tmp_path: Path, url: str | None, expected: str | None) -> None:
    domains = "blocked.example\n127.0.0.2\n2001:db8::1\n*.bücher.example\n"
    found = Blocklists(lists(tmp_path, urls="http://a.example/bad.jpg\n", domains=domains))
    assert found.text(url) == expected


def test_hashes_and_uids(tmp_path: Path) -> None:
    whole, other = "0123456789abcdef" * 4, "fedcba9876543210" * 4
    found = Blocklists(lists(tmp_path, hashes=f"{whole}\nuid:{'77' * 16}\n"))
    assert found.sha256(whole) == "hash 0123456789abcdef (hashes.txt)"
    assert found.sha256("77" * 32) == "hash 7777777777777777 (hashes.txt)"
    assert found.sha256(other) is None


def test_pictures_within_the_distance_of_a_listed_one(tmp_path: Path) -> None:
    compiled = lists(tmp_path, phashes="ffffffffffffffff\n00000000000000ff\n")
    near = Blocklists(compiled, 4)
    assert near.blocked_picture(0xFF) == "phash 00000000000000ff, 0 bits away (phashes.txt)"
    assert near.blocked_picture(0xF0000000000000FE) is None
    assert near.blocked_picture(0xE0000000000000FE) == "phash 00000000000000ff, 4 bits away (phashes.txt)"
    assert Blocklists(compiled, 0).blocked_picture(0xFE) is None
    assert Blocklists(compiled, 0).blocked_picture(2**64 - 1) is not None


def test_no_lists_block_nothing(tmp_path: Path) -> None:
    for found in (Blocklists(), Blocklists(lists(tmp_path, urls="", domains="#\n", hashes="", phashes=""), 16)):
        assert found.text("http://a.example/") is None
        assert found.sha256("00" * 32) is None
        assert found.blocked_picture(0) is None


def test_the_first_list_of_several_is_named(tmp_path: Path) -> None:
    names = ("one.txt", "two.txt")
    for name, text in zip(names, ("b.example\n", "a.example\nb.example\n"), strict=True):
        (tmp_path / name).write_text(text)
    found = Blocklists([read("domains", str(tmp_path / name)) for name in names])
    assert found.text("http://b.example/") == "domain b.example (one.txt)"
    assert found.text("http://a.example/") == "domain a.example (two.txt)"

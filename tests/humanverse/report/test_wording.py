import pytest

from humanverse.report import wording


def test_counts() -> None:
    assert wording.count(1234567) == "1,234,567"
    assert [wording.plural(n, "row") for n in (0, 1, 1200)] == ["0 rows", "1 row", "1,200 rows"]


def test_figures_keep_three_digits() -> None:
    assert [wording.figure(n) for n in (0, 0.01234, 4.5678, 99.94, 1234.5)] == ["0", "0.0123", "4.57", "99.9", "1,234"]


def test_a_share_of_nothing_is_a_dash() -> None:
    assert wording.percent(None) == "–"
    assert wording.percent(0.1234) == "12.3 %"


def test_times_are_utc() -> None:
    assert wording.time("2026-01-31T12:34:56+02:00") == "2026-01-31 10:34 UTC"
    assert wording.time("long ago") == "long ago"


def test_text_from_elsewhere_loses_what_could_reorder_or_hide_it() -> None:
    assert wording.clean("a\u202eb\x00c\ud800d\u200be\nf") == "abcde\nf"
    assert wording.clean("x" * 20, limit=5) == "xxxxx…"
    assert wording.clean(b"\x00\x01") == "2 bytes"


def test_only_web_addresses_become_links() -> None:
    assert wording.is_web_link("https://example.org/a") and wording.is_web_link("HTTP://example.org")
    for url in (
        "javascript:alert(1)",
        " https://a",
        "data:text/html,x",
        "java\nscript:x",
        "//a.b",
        "file:///x",
        "",
        "httpx://a",
    ):
        assert not wording.is_web_link(url)


def test_passwords_are_left_out() -> None:
    assert wording.without_password("http://me:secret@proxy:80/") == "http://***@proxy:80/"
    assert wording.without_password("s3://bucket/a@b") == "s3://bucket/a@b"
    assert wording.without_password("http://[broken") == "http://[broken"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 seconds"), (119, "119 seconds"), (150, "2.5 minutes"), (9000, "2.5 hours"), (1e6, "11.6 days")],
)
def test_how_long(seconds: float, text: str) -> None:
    assert wording.duration(seconds) == text

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from yarl import URL

from humanverse.fetch.failures import FetchError
from humanverse.fetch.urls import parse_url, redirect_target

SIGNED = "https://b.s3.amazonaws.com/a%2Fb/c%20d.jpg?X-Amz-Credential=AK%2F20%2Fs3&X-Amz-Signature=ab%3D%3D&u=a+b%20c"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://example.com", "http://example.com/"),
        ("  HTTPS://Example.COM/A.jpg\r\n", "https://example.com/A.jpg"),
        (SIGNED, SIGNED),
        ("http://example.com/a/../b/./c//d%2e%2E/", "http://example.com/a/../b/./c//d%2e%2E/"),
        ("http://example.com/a b.jpg", "http://example.com/a%20b.jpg"),
        ("http://example.com/é 人.jpg?q=é", "http://example.com/%C3%A9%20%E4%BA%BA.jpg?q=%C3%A9"),
        ("http://example.com/100%.jpg", "http://example.com/100%.jpg"),
        ('http://example.com/<"`{}>?a=<"\'>', "http://example.com/%3C%22%60%7B%7D%3E?a=%3C%22%27%3E"),
        ("http://example.com/a|b[1].jpg?c[]=1|2", "http://example.com/a|b[1].jpg?c[]=1|2"),
        ("http://example.com?x=1", "http://example.com/?x=1"),
        ("http://example.com/a?b?c/d#frag?no", "http://example.com/a?b?c/d"),
        ("http://example.com#frag", "http://example.com/"),
        ("http:\\\\example.com\\a\\b?c\\d", "http://example.com/a/b?c\\d"),
        ("http://user:secret@example.com/a", "http://example.com/a"),
        ("http://u@v:p@example.com:8080/a@b", "http://example.com:8080/a@b"),
        ("http://example.com:/a", "http://example.com/a"),
        ("http://example.com:0080/a", "http://example.com/a"),
        ("http://example.com./a", "http://example.com./a"),
        ("http://my_bucket.s3.amazonaws.com/a", "http://my_bucket.s3.amazonaws.com/a"),
        ("http://ex%61mple.com/", "http://example.com/"),
        ("http://bücher.example/", "http://xn--bcher-kva.example/"),
        ("http://faß.de/", "http://xn--fa-hia.de/"),
        ("http://例え。jp/", "http://xn--r8jz45g.jp/"),
        ("http://i❤.ws/", "http://xn--i-7iq.ws/"),
        ("http://xn--bcher-kva.example/", "http://xn--bcher-kva.example/"),
        ("http://0x7f.1/", "http://127.0.0.1/"),
        ("http://１２７.０.０.１/", "http://127.0.0.1/"),
        ("http://2130706433/", "http://127.0.0.1/"),
        ("http://[2001:DB8::0:1]:81/a", "http://[2001:db8::1]:81/a"),
        ("http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/"),
    ],
)  # fmt: skip
def test_read_as_browsers_do_without_putting_escapes_in_order(text: str, expected: str) -> None:
    url = parse_url(text)
    assert str(url) == expected
    assert not url.user and not url.password


@pytest.mark.parametrize(
    "text",
    [
        None, "", "  \n", "example.com/a.jpg", "//example.com/a", "/a/b.jpg", "http:", "http://", "http:///a", "http:/a",
        "http://?q", "http://#f", "http://:80/", "http://user@/", "http://example.com:http/", "http://example.com:99999/",
        "http://example.com:0/", "http://example.com:-1/", "http://example.com:8٣/", "http://a b.com/", "http://a\tb.com/",
        "http://example.com/a\nb", "http://example.com/\x00b", "http://exa<mple.com/", "http://a..b/", "http://.a/",
        "http://%00.com/", "http://%2F.com/", "http://" + "a" * 64 + ".com/", "http://" + "a." * 130 + "com/",
        "http://[::1", "http://[]/", "http://[1.2.3.4]/", "http://[fe80::1%25eth0]/", "http://[::1]x/", "http://1.2.3.999/",
        "http://1.2.3.4.5/", "localhost:8080/a", "nothing at all", "http://\ud800.com/", "http://example.com/\ud800",
    ],
)  # fmt: skip
def test_what_is_not_a_url(text: str | None) -> None:
    with pytest.raises(FetchError) as caught:
        parse_url(text)
    assert caught.value.reason == "invalid_url"
    assert caught.value.detail and "\n" not in caught.value.detail


@pytest.mark.parametrize(
    "text",
    ["file:///etc/passwd", "FILE:///etc/passwd", "ftp://example.com/a.jpg", "data:image/png;base64,AAAA", "gopher://x/",
     "javascript:alert(1)", "s3://bucket/key", "about:blank", "unix:///run/x.sock", "ws://example.com/"],
)  # fmt: skip
def test_other_schemes_are_refused(text: str) -> None:
    with pytest.raises(FetchError) as caught:
        parse_url(text)
    assert caught.value.reason == "forbidden_scheme"


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("/b.jpg?x=%2F", "http://example.com/b.jpg?x=%2F"),
        ("c.jpg", "http://example.com/a/c.jpg"),
        ("?only=query", "http://example.com/a/b?only=query"),
        ("//cdn.example/x", "http://cdn.example/x"),
        (" https://other.example/é ", "https://other.example/%C3%A9"),
        ("/caf\udce9.jpg", "http://example.com/caf%E9.jpg"),
        ("http://u:p@other.example/", "http://other.example/"),
    ],
)
def test_redirect_target(location: str, expected: str) -> None:
    assert str(redirect_target(URL("http://example.com/a/b?q=1"), location)) == expected


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        (None, "redirects"),
        ("  ", "redirects"),
        ("http://:80/", "redirects"),
        ("http://[bad/", "redirects"),
        ("http://a:b:c/", "redirects"),
        ("file:///etc/passwd", "forbidden_scheme"),
        ("data:,x", "forbidden_scheme"),
    ],
)
def test_redirects_that_lead_nowhere(location: str | None, reason: str) -> None:
    with pytest.raises(FetchError) as caught:
        redirect_target(URL("http://example.com/a"), location)
    assert caught.value.reason == reason


_PIECES = st.sampled_from(
    ["http:", "https:", "//", "/", "\\", "?", "#", "@", ":", "[", "]", "%", "%2e", "a.com", "1", "0x7f", "é", "。"]
)


@settings(deadline=None, max_examples=300, derandomize=True)
@given(st.lists(_PIECES | st.text(max_size=5), max_size=10).map(lambda parts: "http://" + "".join(parts)))
@example("http://xn--/")
@example("http://xn--\u0301.com/")
@example("http://\u00ad/")
@example("http://\u2100.com/")
def test_any_text_is_a_clean_url_or_refused(text: str) -> None:
    try:
        url = parse_url(text)
    except FetchError as error:
        assert error.reason in {"invalid_url", "forbidden_scheme"}
        return
    clean = str(url)
    assert clean.isascii() and clean.isprintable() and " " not in clean
    assert url.raw_host and url.raw_path.startswith("/") and url.user is None
    assert parse_url(clean) == url

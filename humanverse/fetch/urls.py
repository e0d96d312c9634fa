"""From the text in a table's cell, or in a ``Location`` header, to a URL that can be requested.

Text is read as browsers read it (WHATWG URL), but the path's ``%`` escapes and dots stay as they are: signed
URLs break when they are put in order. Credentials (``user:password@``) and the fragment are dropped, never
sent.
"""

from __future__ import annotations

import re
from urllib.parse import quote, unquote, urljoin

import idna
from yarl import URL

from humanverse.fetch.addresses import parse_address
from humanverse.fetch.failures import FetchError

SCHEMES = ("http", "https")

_EDGES = "".join(map(chr, range(0x21)))
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):(?!\d+(?:[/?#]|$))", re.IGNORECASE)
_PARTS = re.compile(r"(?P<authority>[^/?#]*)(?P<path>[^?#]*)(?:\?(?P<query>[^#]*))?(?:#.*)?", re.DOTALL)
_AUTHORITY = re.compile(r"(?:.*@)?(?P<host>\[[^\]]*\]|[^:]*)(?::(?P<port>.*))?", re.DOTALL)
_PORT = re.compile(r"0*(\d{1,5})")
_FORBIDDEN_IN_HOST = re.compile(r"""[\x00-\x20\x7f"#%/:<>?@\[\\\]^`{|}]""")

_LEGAL_IN_PATH = "%!$&'()*+,/:;=@[]|~"
_LEGAL_IN_QUERY = "%!$&()*+,/:;=?@[]\\^`{|}~"


def parse_url(text: str | None) -> URL:
    """The URL that ``text`` means: host in ASCII, illegal characters escaped, everything else untouched.

    Raises:
        FetchError: ``invalid_url``, or ``forbidden_scheme`` for anything but http and https.
    """
    text = (text or "").strip(_EDGES)
    if not text:
        raise FetchError("invalid_url", "empty")
    if _CONTROL.search(text):
        raise FetchError("invalid_url", "control character")
    scheme = _SCHEME.match(text)
    if scheme is None:
        raise FetchError("invalid_url", "no scheme")
    name = scheme[1].lower()
    if name not in SCHEMES:
        raise FetchError("forbidden_scheme", name)
    try:
        return _parse_rest(name, text[scheme.end() :])
    except ValueError as error:
        raise FetchError("invalid_url", " ".join(str(error).split())) from error


def redirect_target(base: URL, location: str | None) -> URL:
    """Where a redirect from ``base`` leads.

    Raises:
        FetchError: ``redirects`` without a usable ``Location``, ``forbidden_scheme`` for anything but http
            and https.
    """
    if location is None or not location.strip(_EDGES):
        raise FetchError("redirects", "redirect without Location")
    try:
        return parse_url(urljoin(str(base), location.strip(_EDGES)))
    except FetchError as error:
        if error.reason == "forbidden_scheme":
            raise FetchError("forbidden_scheme", f"redirect to {error.detail}:") from error
        raise FetchError("redirects", f"invalid Location: {error.detail}") from error
    except ValueError as error:
        raise FetchError("redirects", f"invalid Location: {error}") from error


def _parse_rest(scheme: str, rest: str) -> URL:
    """``rest`` is what follows ``scheme:``. Raises ValueError."""
    before_query = re.split(r"[?#]", rest, maxsplit=1)[0]
    rest = before_query.replace("\\", "/") + rest[len(before_query) :]
    if not rest.startswith("//"):
        raise ValueError("no host")
    parts = _PARTS.fullmatch(rest[2:])
    assert parts is not None, "the pattern takes any text"
    authority = _AUTHORITY.fullmatch(parts["authority"])
    if authority is None:
        raise ValueError("invalid host")
    path = _escape(parts["path"] or "/", _LEGAL_IN_PATH)
    query = "" if parts["query"] is None else "?" + _escape(parts["query"], _LEGAL_IN_QUERY)
    return URL(f"{scheme}://{_host(authority['host'])}{_port(authority['port'])}{path}{query}", encoded=True)


def _escape(text: str, legal: str) -> str:
    """Percent-encode what is illegal. A header's byte that is not UTF-8 stays that byte."""
    return quote(text, safe=legal, errors="surrogateescape")


def _host(text: str) -> str:
    if text.startswith("["):
        if "%" in text:
            raise ValueError("zone in an IPv6 address")
        return f"[{parse_address(text[1:-1])}]" if ":" in text else _fail("invalid IPv6 address")
    host = _to_ascii(unquote(text, errors="strict"))
    if not host.removesuffix("."):
        raise ValueError("no host")
    if _FORBIDDEN_IN_HOST.search(host):
        raise ValueError("forbidden character in the host")
    labels = host.removesuffix(".").split(".")
    if not all(0 < len(label) <= 63 for label in labels) or len(host) > 254:
        raise ValueError("host label empty or too long")
    address = parse_address(host)
    return host if address is None else str(address)


def _to_ascii(host: str) -> str:
    """``host`` as DNS knows it: UTS 46, then Punycode; or IDNA 2003, which alone allows symbols."""
    if host.isascii():
        return host.lower()
    try:
        return idna.encode(host, uts46=True).decode("ascii")
    except idna.IDNAError:
        return host.encode("idna").decode("ascii").lower()


def _port(text: str | None) -> str:
    if not text:
        return ""
    digits = _PORT.fullmatch(text)
    if digits is None or not text.isascii() or not 0 < int(digits[1]) <= 65535:
        raise ValueError("bad port")
    return f":{int(digits[1])}"


def _fail(message: str) -> str:
    raise ValueError(message)

"""64-bit keys: what a block-list keeps of its entries, and what is looked up for a URL, a hash or a picture.

Keys of text are BLAKE2b with 8 bytes. Among ten million of them a text that is not listed is found with a probability of
5 in 10^13.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv6Address

from yarl import URL

from humanverse.fetch.addresses import parse_address
from humanverse.fetch.failures import FetchError
from humanverse.fetch.urls import parse_url

_DEFAULT_PORTS = {"http": 80, "https": 443}
UID_PREFIX = "uid:"
"""Before a uid on a list of hashes: 32 hex digits alone would be taken for an MD5 as easily."""
_SHA256 = re.compile("[0-9a-f]{64}", re.IGNORECASE)
_32_DIGITS = re.compile("[0-9a-f]{32}", re.IGNORECASE)
_PHASH = re.compile("[0-9a-f]{16}", re.IGNORECASE)
_PLAIN_URL = re.compile(
    r"https?://(?=.{1,250}?/)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\.[a-z]{2,63}"
    r"/[\w%!$&()*+,/:;=@~.-]*(?:\?[\w%!$&()*+,/:;=@~.-]+)?",
    re.ASCII,
)
"""URLs that are normal as they stand: most of a list."""
_PLAIN_DOMAIN = re.compile(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\.[a-z]{2,63}")


def of_text(text: str) -> int:
    """The key of ``text``."""
    return int.from_bytes(hashlib.blake2b(text.encode(errors="replace"), digest_size=8).digest(), "little")


def host_of(url: URL) -> str:
    """The host in lower case, in Punycode, without a final dot; an address as it is usually written, without brackets.

    An IPv6 address that stands for an IPv4 one (``::ffff:192.0.2.1``) is that one.
    """
    host = (url.raw_host or "").removesuffix(".")
    return str(IPv6Address(host).ipv4_mapped or host) if ":" in host else host


def normal(url: URL) -> str:
    """``url`` as it is compared: scheme and host as in ``host_of``, no default port, no fragment; the rest untouched.

    Args:
        url: from ``humanverse.fetch.urls.parse_url``, which took credentials off.
    """
    port = "" if url.port == _DEFAULT_PORTS[url.scheme] else f":{url.port}"
    return f"{url.scheme}://{host_of(url)}{port}{url.raw_path_qs}"


def domains(host: str) -> list[str]:
    """``host`` and every domain above it, nearest first; of an address, itself.

    Args:
        host: from ``host_of``.
    """
    if ":" in host or parse_address(host) is not None:
        return [host]
    labels = host.split(".")
    return [".".join(labels[start:]) for start in range(len(labels))]


def of_hash(digits: str) -> int:
    """The key of a SHA-256, or of the uid that begins like it: its first 16 hex digits as a number."""
    return int(digits[:16], 16)


def _url_entry(text: str) -> int:
    if _PLAIN_URL.fullmatch(text):
        return of_text(text)
    try:
        return of_text(normal(parse_url(text)))
    except FetchError as error:
        raise ValueError(error.detail) from error


def of_source(text: str) -> int:
    """The key of what stands in a source as ``url``: of a URL as on a list of URLs, of anything else (a path) of its text."""
    try:
        return _url_entry(text)
    except ValueError:
        return of_text(text)


def _domain_entry(text: str) -> int:
    name = text.removeprefix("*.")
    if _PLAIN_DOMAIN.fullmatch(name):
        return of_text(name)
    if set(name) & set("/?#@\\*"):
        raise ValueError("no scheme, user, path or further * belongs there")
    try:
        url = parse_url(f"http://[{name}]/" if ":" in name and not name.startswith("[") else f"http://{name}/")
    except FetchError as error:
        raise ValueError(error.detail) from error
    if url.explicit_port is not None:
        raise ValueError("no port belongs there")
    return of_text(host_of(url))


def _hash_entry(text: str) -> int:
    if _SHA256.fullmatch(text) or (text.startswith(UID_PREFIX) and _32_DIGITS.fullmatch(text, len(UID_PREFIX))):
        return of_hash(text.removeprefix(UID_PREFIX))
    if _32_DIGITS.fullmatch(text):
        raise ValueError(f"32 digits look like an MD5: give the SHA-256; a uid is written {UID_PREFIX}{text}")
    raise ValueError(f"{len(text)} characters")


def _phash_entry(text: str) -> int:
    if not _PHASH.fullmatch(text):
        raise ValueError(f"{len(text)} characters")
    return int(text, 16)


@dataclass(frozen=True)
class Entries:
    """The entries of one kind of list.

    Attributes:
        key: the key of an entry; raises ValueError with what is wrong with it.
        form: what an entry must be, for messages.
    """

    key: Callable[[str], int]
    form: str


KINDS: Mapping[str, Entries] = {
    "urls": Entries(_url_entry, "a URL (http://… or https://…)"),
    "domains": Entries(_domain_entry, "a domain or an IP address (example.com, 192.0.2.1)"),
    "hashes": Entries(_hash_entry, f"a SHA-256 (64 hex digits) or a uid ({UID_PREFIX} and 32 hex digits)"),
    "phashes": Entries(_phash_entry, "a perceptual hash (16 hex digits)"),
}
"""By the name of the setting in the recipe's ``block``."""

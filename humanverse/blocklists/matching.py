"""What is on a list: a URL, the host that it leads to, bytes, a picture. Answers are words for the ledger."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from yarl import URL

from humanverse.blocklists import keys
from humanverse.blocklists.reading import BlockList
from humanverse.fetch.failures import FetchError
from humanverse.fetch.urls import parse_url

FORGOTTEN = "forgotten"
"""The path of lists of what a dataset has forgotten; an answer does not say what matched."""
SHOWN = 16
"""Hex digits of a hash in an answer."""
_LONGEST_URL = 200


class Blocklists:
    """All lists that are in force.

    Lists are asked in their order within a kind; URLs before domains. Each answer is None, or what matched and which list.

    Args:
        lists: compiled.
        phash_distance: bits in which a perceptual hash may differ from a listed one.
    """

    def __init__(self, lists: Sequence[BlockList] = (), phash_distance: int = 0) -> None:
        self._of = {kind: [one for one in lists if one.kind == kind and len(one.keys)] for kind in keys.KINDS}
        self._distance = phash_distance

    def url(self, url: URL) -> str | None:
        """Whether ``url``, from ``parse_url``, or its host, or a domain above that, is on a list."""
        if self._of["urls"]:
            text = keys.normal(url)
            if (found := self._first("urls", [keys.of_text(text)])) is not None:
                return FORGOTTEN if found[0] == FORGOTTEN else f"URL {text[:_LONGEST_URL]} ({found[0]})"
        if self._of["domains"]:
            names = keys.domains(keys.host_of(url))
            if (found := self._first("domains", [keys.of_text(name) for name in names])) is not None:
                return f"domain {names[found[1]]} ({found[0]})"
        return None

    def text(self, text: str | None) -> str | None:
        """``url`` of a table's cell; what is no URL is on no list."""
        if not self._of["urls"] and not self._of["domains"]:
            return None
        try:
            return self.url(parse_url(text))
        except FetchError:
            return None

    def sha256(self, digits: str) -> str | None:
        """Whether bytes with this SHA-256 (hex) are on a list."""
        found = self._first("hashes", [keys.of_hash(digits)])
        if found is None:
            return None
        return FORGOTTEN if found[0] == FORGOTTEN else f"hash {digits[:SHOWN]} ({found[0]})"

    def blocked_picture(self, phash: int) -> str | None:
        """Whether a picture with this perceptual hash (64 bits) is like one on a list."""
        for one in self._of["phashes"]:
            bits = np.bitwise_count(one.keys ^ np.uint64(phash))
            nearest = int(bits.argmin())
            if bits[nearest] <= self._distance:
                return f"phash {int(one.keys[nearest]):016x}, {bits[nearest]} bits away ({one.name})"
        return None

    def _first(self, kind: str, wanted: Sequence[int]) -> tuple[str, int] | None:
        """The name of the first list that has one of ``wanted``, and which of them."""
        asked = np.array(wanted, np.uint64)
        for one in self._of[kind]:
            places = np.searchsorted(one.keys, asked)
            there = np.flatnonzero(one.keys[np.minimum(places, len(one.keys) - 1)] == asked)
            if len(there):
                return one.name, int(there[0])
        return None

"""``X-Robots-Tag`` and ``TDM-Reservation``: does a server ask that its pictures be left alone?

The first header's form is that of Google's robots specification: directives separated by commas, after an optional
``agent:`` that restricts those that follow to one crawler. ``noai`` and ``noimageai`` are the image sites'
additions. The second is that of the TDM Reservation Protocol (W3C community group, 2024): ``1`` reserves the rights of text and
data mining.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_AGENT = re.compile(r"\s*([^\s:,;]+)\s*:(.*)", re.DOTALL)
_VALUED = frozenset({"unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"})
_SYNONYMS = {"none": "noindex"}


def product_name(user_agent: str) -> str:
    """The name that a directive would address us by: ``humanverse`` of ``humanverse/0.1 (…)``."""
    return re.split(r"[/\s]", user_agent.strip(), maxsplit=1)[0].lower()


def opted_out(values: Iterable[str], product: str, tokens: Iterable[str]) -> str | None:
    """The first directive that binds us and is one of ``tokens``, in lower case; None if there is none.

    Args:
        values: all values of the ``X-Robots-Tag`` headers.
        product: our own name, lower case.
        tokens: the directives that are honoured, any case. ``none`` counts as ``noindex``, which it stands
            for.
    """
    wanted = {token.lower() for token in tokens}
    for value in values:
        for agent, directive in _directives(value):
            if agent in ("*", product) and directive in wanted:
                return directive
    return None


def reserved(values: Iterable[str]) -> bool:
    """Whether one of the ``TDM-Reservation`` headers' values reserves the rights of text and data mining."""
    return any(item.strip() == "1" for value in values for item in value.split(","))


def _directives(value: str) -> Iterator[tuple[str, str]]:
    """(agent, directive) pairs of one header value, lower case; the agent is ``*`` where none is named."""
    agent = "*"
    for item in value.lower().split(","):
        named = _AGENT.fullmatch(item)
        if named is not None:
            if named[1] in _VALUED:
                continue
            agent, item = named[1], named[2]
        for word in re.split(r"[\s;]+", item):
            yield agent, _SYNONYMS.get(word, word)

"""How the report writes numbers, sizes, times and text that came from elsewhere."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from humanverse.plurals import word

DIGEST = 12
"""Characters of a digest that are shown."""
_KEPT_CONTROLS = "\n\t"


def count(number: float) -> str:
    """``12,345``."""
    return f"{number:,.0f}"


def percent(share: float | None) -> str:
    """``12.3 %``; nothing to divide by is a dash."""
    return "–" if share is None else f"{100 * share:.1f} %"


def figure(number: float) -> str:
    """Three significant digits, or the whole number from 100 on: ``0.0123``, ``4.56``, ``1,234``."""
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:.3g}"


def plural(number: int, one: str, many: str = "") -> str:
    """``1 shard``, ``1,200 shards``; arguments as of ``humanverse.plurals.word``."""
    return f"{count(number)} {word(number, one, many)}"


def digest(text: str) -> str:
    """The first ``DIGEST`` characters, with a mark where something is left out."""
    return text if len(text) <= DIGEST else f"{text[:DIGEST]}…"


def time(text: Any) -> str:
    """An ISO 8601 time as ``2026-01-31 12:34 UTC``; anything else as it is."""
    try:
        return f"{datetime.fromisoformat(str(text)).astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    except ValueError:
        return clean(text)


def duration(seconds: float) -> str:
    """``38 seconds``, ``2.5 hours``: in the largest unit of which there are two."""
    for unit, length in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.0f} seconds"


def clean(value: Any, limit: int = 600) -> str:
    """``value`` as text of at most ``limit`` characters without control, format (bidirectional) and surrogate characters."""
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    text = str(value)
    text = text if len(text) <= limit else f"{text[:limit]}…"
    return "".join(
        letter for letter in text if letter in _KEPT_CONTROLS or unicodedata.category(letter) not in ("Cc", "Cf", "Cs")
    )


def is_web_link(url: str) -> bool:
    """Whether ``url`` may become a link: http and https only, written out at its very start."""
    return url.lower().startswith(("http://", "https://"))


def without_password(url: str) -> str:
    """``url`` with the part before ``@`` in its host replaced by three stars."""
    try:
        place = urlsplit(url).netloc
    except ValueError:
        return url
    secret, at, _ = place.rpartition("@")
    return url.replace(f"{secret}@", "***@", 1) if at else url

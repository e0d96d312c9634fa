"""How long to wait before a further attempt."""

from __future__ import annotations

import zlib
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def backoff(base_s: float, attempt: int, key: str) -> float:
    """Seconds to wait after failed attempt number ``attempt`` (1, 2, …).

    ``base_s`` doubled for each attempt, times a factor in [0.5, 1) that depends on ``key`` and ``attempt``
    alone: rows that failed together do not come back together, and a second run waits as the first did.
    """
    spread = zlib.crc32(f"{attempt} {key}".encode(errors="surrogatepass")) / 2**32
    return base_s * 2.0 ** (attempt - 1) * (0.5 + 0.5 * spread)


def retry_after(value: str | None, now: datetime | None = None) -> float:
    """Seconds that a ``Retry-After`` header asks for (RFC 9110, 10.2.3: a number, or a date); 0 if it says
    nothing.

    Args:
        value: the header's value.
        now: with a time zone; the current time if None.
    """
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:18])
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return 0.0
    date = date if date.tzinfo else date.replace(tzinfo=UTC)
    return max(0.0, (date - (now or datetime.now(UTC))).total_seconds())

"""How long a host that asks for less is left alone, and when it is given up."""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass

from humanverse.fetch.failures import FetchError
from humanverse.fetch.retries import backoff

LONGEST_BACKOFF_S = 30.0
"""Without ``Retry-After``, a host is not left alone for longer than this at a time."""
MOST_HOSTS = 10_000


@dataclass
class _Refusals:
    """The answers of one host since it began to refuse."""

    since: float
    error: FetchError
    counted_at: float = -math.inf
    count: int = 0
    until: float = -math.inf


class Patience:
    """Remembers which hosts answered 429 or 503 last, for at most ``MOST_HOSTS`` of them.

    A refusing host is left alone for as long as ``Retry-After`` says; without it, for a time that doubles with each refusal
    in a row, up to ``LONGEST_BACKOFF_S``. Requests that were under way together count as one. Any other answer ends it.

    Args:
        backoff_s: after the first refusal.
        patience_s: a host that would be left alone beyond this time after its first refusal in a row is given up until
            it may be asked again.
    """

    def __init__(self, backoff_s: float, patience_s: float) -> None:
        self._backoff_s = backoff_s
        self._patience_s = patience_s
        self._hosts: OrderedDict[str, _Refusals] = OrderedDict()

    def refused(self, host: str, asked_at: float, now: float, error: FetchError) -> float:
        """Until when ``host`` must be left alone.

        Args:
            host: its name.
            asked_at: when the refused request was sent.
            now: on the same clock.
            error: what the answer stands for; its ``wait_s`` is what ``Retry-After`` said.
        """
        refusals = self._hosts.setdefault(host, _Refusals(now, error))
        self._hosts.move_to_end(host)
        refusals.error = error
        if asked_at >= refusals.counted_at:
            refusals.count += 1
            refusals.counted_at = now
            pause = min(backoff(self._backoff_s, min(refusals.count, 64), host), LONGEST_BACKOFF_S)
            refusals.until = max(refusals.until, now + pause)
        refusals.until = max(refusals.until, now + error.wait_s)
        if len(self._hosts) > MOST_HOSTS:
            self._hosts.popitem(last=False)
        return refusals.until

    def answered(self, host: str, asked_at: float) -> None:
        """``host`` gave another answer; a request from before its last refusal says nothing."""
        refusals = self._hosts.get(host)
        if refusals is not None and asked_at >= refusals.counted_at:
            del self._hosts[host]

    def refuses(self, host: str) -> bool:
        """Whether the last that was heard of ``host`` is a refusal: it gets one request at a time then."""
        return host in self._hosts

    def given_up(self, host: str, now: float) -> FetchError | None:
        """What the URLs that wait for ``host`` fail with, if they should wait no longer."""
        refusals = self._hosts.get(host)
        if refusals is None or now >= refusals.until or refusals.until <= refusals.since + self._patience_s:
            return None
        return refusals.error

"""A time limit that stands still while the wait is of our own making."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from types import TracebackType


class Deadline:
    """The time limit of the task that makes it, as an asynchronous context: TimeoutError when it has passed.

    Args:
        limit_s: seconds from now.
    """

    def __init__(self, limit_s: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._timeout = asyncio.timeout(limit_s)

    async def __aenter__(self) -> Deadline:
        await self._timeout.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._timeout.__aexit__(kind, error, trace)

    def left(self) -> float:
        """Seconds that are left."""
        when = self._timeout.when()
        assert when is not None, "only a paused limit has no end"
        return when - self._loop.time()

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """What is waited for inside does not count."""
        if self._timeout.when() is None:
            yield
            return
        left = self.left()
        self._timeout.reschedule(None)
        try:
            yield
        finally:
            self._timeout.reschedule(self._loop.time() + left)

"""The bytes that all bodies together may take."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import NamedTuple


class Budget:
    """Counts the bytes of bodies, from when they arrive until the caller has taken them.

    When ``cap`` is reached, whoever adds bytes waits for others to be freed, in order of arrival. One body at a time may go
    beyond the cap, so that some body always comes to its end: never more than ``cap`` and that one body are counted.
    """

    def __init__(self, cap: int) -> None:
        self._cap = cap
        self._used = 0
        self._borrower: Account | None = None
        self._waiting: deque[_Waiter] = deque()

    @property
    def full(self) -> bool:
        """Whether no further body should be begun."""
        return self._used >= self._cap

    def open(self) -> Account:
        """The account of one more body."""
        return Account(self)

    def _grant(self, account: Account, size: int) -> bool:
        if self._used + size > self._cap and self._borrower not in (None, account):
            return False
        if self._used + size > self._cap:
            self._borrower = account
        self._used += size
        account.size += size
        return True

    def _free(self, account: Account) -> None:
        self._used -= account.size
        account.size = 0
        if self._borrower is account:
            self._borrower = None
        while self._waiting:
            waiter = self._waiting[0]
            if not waiter.turn.done():
                if not self._grant(waiter.account, waiter.size):
                    return
                waiter.turn.set_result(None)
            self._waiting.popleft()


class Account:
    """The bytes of one body.

    Attributes:
        size: how many are counted.
    """

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self.size = 0

    def try_add(self, size: int) -> bool:
        """Count ``size`` further bytes if there is room, and nobody waited before."""
        budget = self._budget
        if budget._waiting and budget._borrower is not self:
            return False
        return budget._grant(self, size)

    async def add(self, size: int) -> None:
        """Count ``size`` further bytes, when there is room."""
        if not self.try_add(size):
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._budget._waiting.append(_Waiter(self, size, turn))
            await turn

    def clear(self) -> None:
        """The bytes are no longer held: the body was taken, or thrown away."""
        self._budget._free(self)


class _Waiter(NamedTuple):
    account: Account
    size: int
    turn: asyncio.Future[None]

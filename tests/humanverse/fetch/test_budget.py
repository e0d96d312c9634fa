from __future__ import annotations

import asyncio

from humanverse.fetch.budget import Account, Budget


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_one_body_may_go_beyond_the_cap_and_no_second_one() -> None:
    budget = Budget(10)
    first, second = budget.open(), budget.open()
    assert first.try_add(6)
    assert second.try_add(4)
    assert budget.full
    assert first.try_add(5) and first.try_add(100)
    assert not second.try_add(1)


def test_who_waits_is_served_in_order_when_bytes_are_freed() -> None:
    order: list[str] = []

    async def add(account: Account, name: str) -> None:
        await account.add(4)
        order.append(name)

    async def main() -> None:
        budget = Budget(10)
        taken, rest, last = budget.open(), budget.open(), budget.open()
        await taken.add(8)
        await rest.add(8)
        tasks = [asyncio.create_task(add(last, "b")), asyncio.create_task(add(budget.open(), "c"))]
        await settle()
        assert order == []
        taken.clear()
        await settle()
        assert order == []
        rest.clear()
        await asyncio.gather(*tasks)
        assert order == ["b", "c"]
        assert not budget.full

    asyncio.run(main())


def test_whoever_gave_up_waiting_is_passed_over() -> None:
    async def main() -> None:
        budget = Budget(4)
        held, over = budget.open(), budget.open()
        await held.add(4)
        await over.add(1)
        gone = asyncio.create_task(budget.open().add(2))
        await settle()
        gone.cancel()
        waiting = asyncio.create_task(budget.open().add(3))
        await settle()
        over.clear()
        held.clear()
        await waiting
        assert gone.cancelled()

    asyncio.run(main())

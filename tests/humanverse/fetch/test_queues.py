from __future__ import annotations

import math

from humanverse.fetch.queues import HostQueues


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def queues_of(per_host: int, rate: float | None = None) -> tuple[HostQueues[int], Clock]:
    clock = Clock()
    return HostQueues(lambda _: per_host, clock, rate), clock


def take_all(queues: HostQueues[int]) -> list[tuple[str, int]]:
    taken = []
    while turn := queues.take():
        taken.append(turn)
    return taken


def test_hosts_in_turn_and_order_within_a_host() -> None:
    queues, _ = queues_of(per_host=10)
    for host, job in (("a", 1), ("a", 2), ("a", 3), ("b", 4), ("c", 5), ("b", 6)):
        queues.add(host, job)
    assert take_all(queues) == [("a", 1), ("b", 4), ("c", 5), ("a", 2), ("b", 6), ("a", 3)]


def test_first_comes_before_all_others_of_its_host() -> None:
    queues, _ = queues_of(per_host=10)
    queues.add("a", 1)
    queues.add("a", 2)
    queues.add("a", 3, first=True)
    assert take_all(queues) == [("a", 3), ("a", 1), ("a", 2)]


def test_a_full_host_waits_and_does_not_hold_up_the_others() -> None:
    queues, _ = queues_of(per_host=1)
    for job in range(3):
        queues.add("a", job)
    queues.add("b", 9)
    assert take_all(queues) == [("a", 0), ("b", 9)]
    queues.done("b")
    assert queues.take() is None
    queues.done("a")
    assert queues.take() == ("a", 1)


def test_a_held_host_waits_until_its_time_and_others_do_not() -> None:
    queues, clock = queues_of(per_host=10)
    queues.add("a", 1)
    queues.add("a", 2)
    queues.add("b", 3)
    queues.hold("a", 5.0)
    queues.hold("a", 2.0)
    assert take_all(queues) == [("b", 3)]
    assert queues.next_wake() == 5.0
    clock.now = 4.9
    assert queues.take() is None
    clock.now = 5.0
    assert take_all(queues) == [("a", 1), ("a", 2)]
    assert queues.next_wake() is None


def test_no_sooner_than_the_rate_allows_redirects_included() -> None:
    queues, clock = queues_of(per_host=10, rate=2)
    for job in range(4):
        queues.add("a", job)
    queues.add("b", 9)
    assert take_all(queues) == [("a", 0), ("b", 9)]
    assert not queues.one_more("a")
    clock.now = 0.5
    assert queues.one_more("a")
    assert queues.take() is None
    clock.now = 0.9
    assert queues.take() is None
    times: list[float] = []
    while len(times) < 3:
        wake = queues.next_wake()
        assert wake is not None
        clock.now = max(clock.now, wake)
        times += [clock.now] * len(take_all(queues))
    assert times == [1.0, 1.5, 2.0]


def test_withdrawn_jobs_wait_no_more() -> None:
    queues, _ = queues_of(per_host=1)
    for job in range(3):
        queues.add("a", job)
    assert queues.take() == ("a", 0)
    assert queues.withdraw("a") == [1, 2]
    assert queues.withdraw("nobody") == []
    queues.done("a")
    assert queues.take() is None
    queues.add("a", 7)
    assert queues.take() == ("a", 7)


def test_a_limit_that_changes_counts_from_the_next_event_on() -> None:
    limits = {"a": 1}
    queues: HostQueues[int] = HostQueues(lambda host: limits[host], Clock())
    for job in range(4):
        queues.add("a", job)
    assert len(take_all(queues)) == 1
    limits["a"] = 3
    queues.done("a")
    assert len(take_all(queues)) == 3


def test_hosts_that_are_done_with_take_no_memory() -> None:
    queues, clock = queues_of(per_host=1, rate=1)
    for job in range(50):
        queues.add(f"host{job}", job)
    for host, _ in take_all(queues):
        queues.done(host)
    clock.now = math.inf
    assert queues.take() is None
    assert not queues._hosts and not queues._held and not queues._turn


def test_each_job_is_taken_once_whatever_the_order_of_events() -> None:
    queues, _ = queues_of(per_host=2)
    hosts = "aababcabcaab"
    taken: list[int] = []
    at_work: list[str] = []
    for job, host in enumerate(hosts):
        queues.add(host, job)
        if job % 3 == 2 and (turn := queues.take()):
            at_work.append(turn[0])
            taken.append(turn[1])
        assert all(at_work.count(name) <= 2 for name in "abc")
        if len(at_work) > 2:
            queues.done(at_work.pop(0))
    while at_work or len(taken) < len(hosts):
        while turn := queues.take():
            at_work.append(turn[0])
            taken.append(turn[1])
            assert at_work.count(turn[0]) <= 2
        queues.done(at_work.pop(0))
    assert sorted(taken) == list(range(len(hosts)))

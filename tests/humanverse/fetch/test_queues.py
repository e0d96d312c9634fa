from __future__ import annotations

from humanverse.fetch.queues import HostQueues


def test_hosts_in_turn_and_order_within_a_host() -> None:
    queues: HostQueues[int] = HostQueues(per_host=10)
    for host, job in (("a", 1), ("a", 2), ("a", 3), ("b", 4), ("c", 5), ("b", 6)):
        queues.add(host, job)
    taken = [queues.take() for _ in range(6)]
    assert taken == [("a", 1), ("b", 4), ("c", 5), ("a", 2), ("b", 6), ("a", 3)]
    assert queues.take() is None


def test_a_full_host_waits_and_does_not_hold_up_the_others() -> None:
    queues: HostQueues[int] = HostQueues(per_host=1)
    for job in range(3):
        queues.add("a", job)
    queues.add("b", 9)
    assert queues.take() == ("a", 0)
    assert queues.take() == ("b", 9)
    assert queues.take() is None
    queues.done("b")
    assert queues.take() is None
    queues.done("a")
    assert queues.take() == ("a", 1)


def test_each_job_is_taken_once_whatever_the_order_of_events() -> None:
    queues: HostQueues[int] = HostQueues(per_host=2)
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

"""How a run is summed up."""

from __future__ import annotations

from collections import Counter

from pipelines.result import DIED, ELSEWHERE, Result
from pipelines.retry import Retried
from pipelines.stages.base import Done


def test_what_shards_say_is_summed() -> None:
    result = Result(planned=4, before=1)
    result.add(Done(1, counts={"kept": 2, "failed": 1, "bytes": 10}, failures={"dns": 1}))
    result.add(Done(2, counts={"kept": 3, "rejected": 1, "bytes": 5}))
    result.add(Done(3, "no space left"))
    assert (result.committed, result.heard, result.lost) == (2, {1, 2}, {3: "no space left"})
    assert result.counts == {"kept": 5, "failed": 1, "rejected": 1, "bytes": 15}
    assert result.failures == {"dns": 1}


def test_a_shard_that_was_committed_out_of_sight_is_told_from_one_whose_worker_died() -> None:
    result = Result(planned=5, before=0, heard={0, 1, 3}, lost={2: "a reason"})
    result.name_missing(range(5), there={0, 1})
    assert result.lost == {2: "a reason", 3: ELSEWHERE, 4: DIED}


def test_when_nothing_worked() -> None:
    assert Result(planned=2, before=1).nothing_worked
    assert not Result(planned=2, before=2).nothing_worked
    failed = Counter(failed=3)
    assert Result(planned=2, before=0, committed=2, counts=failed).nothing_worked
    assert not Result(planned=2, before=0, committed=2, counts=failed, retried=Retried(("dns",))).nothing_worked
    assert not Result(planned=2, before=0, committed=1, counts=Counter(failed=3, rejected=1)).nothing_worked

"""The stages in this process, one shard after the other, without Ray: for debugging, and where Ray is not installed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from pipelines.stages.base import Count, Done, Item, Stage, process_guarded, set_up


def run(feed: Iterable[Item], stages: Sequence[Stage], count: Count) -> Iterator[Done]:
    """How each shard of ``feed`` ended, in order; ends early after a fatal error.

    Raises:
        UserError: if a stage cannot start.
    """
    for stage in stages:
        set_up(stage, count)
    for given in feed:
        item: Any = given
        for stage in stages:
            item = process_guarded(stage, item)
        yield item
        if item.fatal:
            return

"""Which engine runs the stages of a job: this process, or Ray."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Protocol

from pipelines.engine import local
from pipelines.engine.attempts import Attempts, Noted, NotNoted
from pipelines.progress import Counts, Local
from pipelines.stages.base import TRIES, Done, Feed, Stage
from schemas.recipe import Resources


class Run(Protocol):
    """Takes shards through stages."""

    def __call__(self, feed: Feed, stages: Sequence[Stage], tries: int = TRIES) -> Iterator[Done]:
        """How each shard of ``feed`` ended.

        Args:
            feed: may be called in another process, and again.
            stages: in order.
            tries: how often a shard is begun at the most, where its workers die and this process does not with them.
        """


@dataclass(frozen=True)
class Started:
    """An engine that is ready to work.

    Attributes:
        run: takes the shards that a feed gives through stages.
        counts: what the stages have done so far.
        attempts: remembers what was begun, beyond the death of a worker.
    """

    run: Run
    counts: Callable[[], Counts]
    attempts: Attempts


BUILD = ("gate", "annotate", "commit")
"""The stages of a build."""


def started(
    alone: bool, resources: Resources, workers: int | None, stages: Sequence[str] = BUILD
) -> AbstractContextManager[Started]:
    """The engine, for as long as the block runs.

    Args:
        alone: in this process, without Ray.
        resources: what one worker of a stage takes.
        workers: of each stage; None for as many as fit.
        stages: names of those that will be run.

    Raises:
        UserError: if Ray cannot be had, or the workers do not fit.
    """
    return _here() if alone else _on_ray(resources, workers, stages)


@contextmanager
def _here() -> Iterator[Started]:
    tally = Local()

    def run(feed: Feed, stages: Sequence[Stage], tries: int = TRIES) -> Iterator[Done]:
        return local.run(feed(), stages, tally)

    yield Started(run, tally.counts, NotNoted())


@contextmanager
def _on_ray(resources: Resources, workers: int | None, names: Sequence[str]) -> Iterator[Started]:
    from pipelines.engine import on_ray

    ours = on_ray.connect()
    import ray

    try:
        sizes = on_ray.pools(names, resources, workers, ray.cluster_resources())
        tally = on_ray.start_tally()

        def run(feed: Feed, stages: Sequence[Stage], tries: int = TRIES) -> Iterator[Done]:
            return on_ray.run(feed, stages, sizes, tally, tries)

        yield Started(run, lambda: ray.get(tally.counts.remote()), Noted(on_ray.start_notes()))
    finally:
        if ours:
            ray.shutdown()

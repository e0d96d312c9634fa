"""Which engine runs the stages of a build: this process, or Ray."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from humanverse.sources import ShardRows
from pipelines.engine import local
from pipelines.progress import Counts, Local
from pipelines.stages.base import Done, Stage
from schemas.recipe import Resources


@dataclass(frozen=True)
class Started:
    """An engine that is ready to work.

    Attributes:
        run: takes the shards that ``feed`` gives through stages, and tells how each ended. ``feed`` may be called in another
            process, and again.
        counts: what the stages have done so far.
    """

    run: Callable[[Callable[[], Iterator[ShardRows]], Sequence[Stage]], Iterator[Done]]
    counts: Callable[[], Counts]


def started(alone: bool, resources: Resources, workers: int | None) -> AbstractContextManager[Started]:
    """The engine, for as long as the block runs.

    Args:
        alone: in this process, without Ray.
        resources: what one worker of a stage takes.
        workers: of each stage; None for as many as fit.

    Raises:
        UserError: if Ray cannot be had, or the workers do not fit.
    """
    return _here() if alone else _on_ray(resources, workers)


@contextmanager
def _here() -> Iterator[Started]:
    tally = Local()
    yield Started(lambda feed, stages: local.run(feed(), stages, tally), tally.counts)


@contextmanager
def _on_ray(resources: Resources, workers: int | None) -> Iterator[Started]:
    from pipelines.engine import on_ray

    ours = on_ray.connect()
    import ray

    try:
        sizes = on_ray.pools(resources, workers, ray.cluster_resources())
        tally = on_ray.start_tally()
        yield Started(
            lambda feed, stages: on_ray.run(feed, stages, sizes, tally), lambda: ray.get(tally.counts.remote())
        )
    finally:
        if ours:
            ray.shutdown()

"""The table of download engines: the recipe's ``fetch.engine`` chooses one."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from pipelines.download.base import Engine, Feed, Job
from pipelines.download.img2dataset import Img2dataset


class Direct:
    """No download beforehand: the gate fetches, or reads what is already there."""

    def __init__(self, job: Job) -> None:
        self._source, self._size, self._committed = job.source, job.recipe.source.shard_size, job.committed
        self.remote = job.source.remote

    def prepare(self) -> None:
        """Nothing is needed."""

    def feeds(self) -> Iterator[Feed]:
        source, size, committed = self._source, self._size, self._committed
        yield lambda: source.shards(size, committed)

    def counts(self) -> dict[str, int]:
        return {}

    def finish(self) -> None:
        """Nothing was kept."""


ENGINES: dict[str, Callable[[Job], Engine]] = {"humanverse": Direct, "img2dataset": Img2dataset}


def engine_for(job: Job, own: bool = False) -> Engine:
    """The engine of the job's recipe; a source whose pictures are already there needs none.

    Args:
        own: our own engine, whatever the recipe says.

    Raises:
        UserError: if the engine cannot do what the recipe asks for.
    """
    return Direct(job) if own or not job.source.remote else ENGINES[job.recipe.fetch.engine](job)

"""What a run of ``build`` has to do: shards of the source, and shards of retries, as feeds for an engine."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from humanverse.dataset.extent import Extent
from humanverse.dataset.reader import Dataset
from humanverse.dataset.retries import Pass
from humanverse.sources import ShardRows, Source
from humanverse.sources.gathered import gather
from humanverse.sources.storage import in_order
from humanverse.storage import Store
from pipelines.download.base import Engine
from schemas.recipe import FETCH_PACE, Recipe

READ_AHEAD = 8


@dataclass(frozen=True)
class Work:
    """Shards that are done under one recipe.

    Attributes:
        feed: gives them; may be called in another process, and again.
        remote: whether their pictures are fetched by URL; else the shards read them.
        again: reasons that their rows had ended with, if they are tried again.
    """

    feed: Callable[[], Iterator[ShardRows]]
    recipe: Recipe
    remote: bool
    again: tuple[str, ...] = ()


@dataclass(frozen=True)
class Todo:
    """The shards that a run is responsible for, done or not.

    Attributes:
        source: where rows come from.
        extent: how many there are, and how they are cut.
        committed: numbers of the shards that are there.
        primary: whether the shards of the source are among them.
        passes: the retries that are.
    """

    source: Source
    extent: Extent
    committed: frozenset[int]
    primary: bool
    passes: tuple[Pass, ...]

    @property
    def unfinished(self) -> list[Pass]:
        return [one for one in self.passes if one.unfinished(self.committed)]

    @property
    def numbers(self) -> list[range]:
        """Numbers of all its shards."""
        of_source = range(self.extent.shards if self.primary else 0)
        return [of_source, *(one.numbers for one in self.passes)]

    @property
    def planned(self) -> int:
        return sum(len(numbers) for numbers in self.numbers)

    @property
    def done(self) -> int:
        """How many of its shards are there."""
        numbers = self.numbers
        return sum(any(number in some for some in numbers) for number in self.committed)

    @property
    def unbuilt(self) -> int:
        """How many shards of the source are not there, whether they are among its shards or not."""
        return self.extent.shards - sum(number < self.extent.shards for number in self.committed)

    @property
    def all_rows(self) -> int:
        """Rows of the source, if some of them are left to do, and those left to be tried again."""
        again = sum(shard.rows for one in self.passes for shard in one.unfinished(self.committed))
        return again + (self.extent.rows if self.primary and self.unbuilt else 0)

    @property
    def rows_done(self) -> int:
        """How many of ``all_rows`` are done."""
        if not self.primary or not self.unbuilt:
            return 0
        there = (number for number in self.committed if number < self.extent.shards)
        return sum(len(self.extent.rows_of(number)) for number in there)

    def works(self, store: Store, recipe: Recipe, downloads: Engine) -> Generator[Work, None, None]:
        """What is left to do, retries first; each is to be done before the next is asked for.

        Retries fetch with our own engine, whichever downloads the shards of the source.
        """
        for one in self.unfinished:
            yield Work(self._retry(store, one), recipe_of(one, recipe), self.source.remote, one.reasons)
        if self.primary and self.unbuilt:
            for feed in downloads.feeds():
                yield Work(feed, recipe, downloads.remote)

    def _retry(self, store: Store, one: Pass) -> Callable[[], Iterator[ShardRows]]:
        numbers = [shard.number for shard in one.unfinished(self.committed)]
        source, size, url = self.source, self.extent.shard_size, store.url
        return lambda: gather(source, size, partial(_rows, Dataset(url), numbers))


def recipe_of(one: Pass, recipe: Recipe) -> Recipe:
    """``recipe`` with the fetch settings of a retry: those that decide what is written are the plan's, the pace is
    ``recipe``'s."""
    pace = {name: getattr(recipe.fetch, name) for name in FETCH_PACE}
    return recipe.model_copy(update={"fetch": one.fetch.model_copy(update=pace)})


def _rows(dataset: Dataset, numbers: Iterable[int]) -> Iterator[tuple[int, list[int]]]:
    """The planned rows of supplementary shards, a few of them read ahead."""

    def read(number: int) -> tuple[int, list[int]]:
        return number, dataset.retry_rows(number).column("row").to_pylist()

    return in_order(read, numbers, READ_AHEAD)

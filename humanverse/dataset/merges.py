"""Shards that came from other datasets: what each merge set out to add, and which rows its shards have.

A merge is ``merges/<n>.json``, written once and before any of its shards. Its rows follow those of the source and of earlier
merges; no row that was there is superseded.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Container
from itertools import pairwise
from typing import Any

from pydantic import Field, model_validator

from humanverse.dataset import cards, layout
from humanverse.dataset.cards import Count, Sha256, Strict
from humanverse.errors import DatasetError
from humanverse.storage import Store


class MergedShard(Strict):
    """One shard that is added.

    Attributes:
        number: here.
        of: its number in the other dataset.
        first: the number of its first row here; the others follow without gaps.
        rows: that are final in the other dataset's shard.
    """

    number: Count
    of: Count
    first: Count
    rows: int = Field(ge=1)


class Merge(Strict):
    """One merge, as it was planned.

    Attributes:
        url: of the other dataset.
        identity: ``humanverse.dataset.create.identity`` of it.
        source: its ``source.json``.
        seen: how many shards it had; all of them are here by this merge or an earlier one.
        first_row: of all that it adds.
        layers: ``<kind>/<name>`` there -> here, of those that are copied.
        recipe: which settings of its recipe are other ones, as ``gate.min_side: 200 -> 300`` (here -> there).
        empty_columns: columns of the images that it does not have.
        dropped_columns: columns of the images that only it has.
        shards: numbered without gaps, as their rows are; in the other dataset's order.
    """

    url: str
    identity: Sha256
    source: dict[str, Any]
    seen: int = Field(ge=1)
    first_row: Count
    layers: dict[str, str]
    recipe: tuple[str, ...] = ()
    empty_columns: tuple[str, ...] = ()
    dropped_columns: tuple[str, ...] = ()
    code: str = ""
    time: str = ""
    shards: tuple[MergedShard, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _in_order(self) -> Merge:
        if self.shards[0].first != self.first_row:
            raise ValueError(f"its rows do not begin at {self.first_row}")
        for one, following in pairwise(self.shards):
            if following.number != one.number + 1 or following.of <= one.of:
                raise ValueError(f"shard {following.number} does not follow shard {one.number}")
            if following.first != one.first + one.rows:
                raise ValueError(f"the rows of shard {following.number} do not follow those of shard {one.number}")
        if self.shards[-1].of >= self.seen:
            raise ValueError(f"it has more shards than the {self.seen} of the other dataset")
        return self

    @property
    def numbers(self) -> range:
        return range(self.shards[0].number, self.shards[-1].number + 1)

    @property
    def rows(self) -> int:
        return sum(shard.rows for shard in self.shards)

    @property
    def end_row(self) -> int:
        """The number of the row after its last."""
        return self.shards[-1].first + self.shards[-1].rows

    def unfinished(self, committed: Container[int]) -> list[MergedShard]:
        return [shard for shard in self.shards if shard.number not in committed]


def merge_numbers(store: Store) -> list[int]:
    """Numbers of the merges that were planned, in order."""
    return cards.numbers(store, layout.MERGES)


def read_merge(store: Store, number: int) -> Merge:
    """One merge.

    Raises:
        DatasetError: if its file is missing or damaged.
    """
    return cards.read_plan(store, layout.merge(number), Merge)


def read_merges(store: Store) -> list[Merge]:
    """Every merge that was planned, in order.

    Raises:
        DatasetError: if one cannot be read.
    """
    return [read_merge(store, number) for number in merge_numbers(store)]


def write_merge(store: Store, number: int, merge: Merge) -> None:
    """Write the plan of a new merge.

    Raises:
        DatasetError: if another run has planned it meanwhile.
    """
    if store.exists(layout.merge(number)):
        raise DatasetError(f"{store.url}: another merge was planned meanwhile: run the same command again")
    store.write(layout.merge(number), (merge.model_dump_json(indent=2) + "\n").encode())


class Merged:
    """Which of a dataset's shards came by merges.

    Args:
        merges: of the dataset, in order.
    """

    def __init__(self, merges: list[Merge]) -> None:
        self._merges = merges
        self._stops = [one.numbers.stop for one in merges]

    def __contains__(self, number: int) -> bool:
        return self.shard(number) is not None

    def shard(self, number: int) -> MergedShard | None:
        """What was planned for a shard; None if it did not come by a merge."""
        index = bisect_left(self._stops, number + 1)
        if index < len(self._merges) and number in self._merges[index].numbers:
            return self._merges[index].shards[number - self._merges[index].numbers.start]
        return None

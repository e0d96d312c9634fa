"""What a download engine is: it makes of the source what the stages are given."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from humanverse.sources import ShardRows
from humanverse.sources.base import Source
from humanverse.storage import Store
from schemas.recipe import Recipe

Feed = Callable[[], Iterator[ShardRows]]
"""Gives shards; called in a worker, and again if that dies, so it gives the same again."""


@dataclass(frozen=True)
class Job:
    """A build, as far as downloading is concerned.

    Attributes:
        source: the list.
        recipe: of the build.
        store: the dataset.
        identity: which rows the source has.
        committed: numbers of the shards that are not to be done.
        allow_private: fetch from private addresses too.
        workers: that the user asked for; None for as many as fit.
        local: without Ray.
    """

    source: Source
    recipe: Recipe
    store: Store
    identity: Mapping[str, Any]
    committed: frozenset[int]
    allow_private: bool
    workers: int | None
    local: bool


class Engine(Protocol):
    """Who downloads.

    Attributes:
        remote: whether the gate must still fetch the shards' pictures; else they are read with ``payloads``.
    """

    remote: bool

    def prepare(self) -> None:
        """Get what is needed, before anything of the dataset is written.

        Raises:
            UserError: if it cannot be had.
        """

    def feeds(self) -> Iterator[Feed]:
        """Feeds that have every shard once in all; each is run to its end before the next is asked for.

        Raises:
            UserError: if nothing can be downloaded.
        """

    def counts(self) -> dict[str, int]:
        """What has been done so far, for the display; asked from another thread."""

    def finish(self) -> None:
        """Remove what was only needed until now: every shard is committed."""

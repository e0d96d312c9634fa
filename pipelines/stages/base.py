"""What a stage is: how its model is set up, and what it does to one shard. Engines run it; it knows nothing of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from humanverse.errors import UserError, one_line
from humanverse.storage import StorageError

Count = Callable[..., None]
"""Called as ``count(rows=64, kept=2)`` with what has been done since the last call; below zero where it was undone."""


TRIES = 3
"""How often a shard whose workers die is begun before it is given up."""


class Item(Protocol):
    """What travels from stage to stage: something about one shard."""

    @property
    def number(self) -> int:
        """Of the shard."""


Feed = Callable[[], Iterator[Item]]
"""Gives the shards to do, the same ones each time."""


class Stage(Protocol):
    """A step of a job. Instances are small and can be pickled; what is heavy is made in ``setup``."""

    name: str

    def setup(self, count: Count) -> None:
        """Load models and open connections; called once, in the process that will do the work."""

    def process(self, item: Any) -> Any:
        """One shard in, one shard out: in a build ``ShardRows`` into the gate, a ``Shard`` between; a ``Done`` from the last."""


@dataclass(frozen=True)
class Done:
    """How one shard ended.

    Attributes:
        number: of the shard.
        error: None if it is committed; else one line that says why not.
        fatal: going on would fail for every other shard too (no space left, the bucket is gone).
        counts: rows by ledger status, and ``bytes`` of stored pictures.
        failures: failed rows by reason.
        layers: rows by status of each layer that was made.
        reasons: of each of these layers why rows are not ok, the most frequent reasons with their rows.
    """

    number: int
    error: str | None = None
    fatal: bool = False
    counts: dict[str, int] = field(default_factory=dict)
    failures: dict[str, int] = field(default_factory=dict)
    layers: dict[str, dict[str, int]] = field(default_factory=dict)
    reasons: dict[str, dict[str, int]] = field(default_factory=dict)


def set_up(stage: Stage, count: Count) -> None:
    """``stage.setup``.

    Raises:
        UserError: whatever goes wrong: without its models a stage can do nothing for any shard.
    """
    try:
        stage.setup(count)
    except UserError:
        raise
    except Exception as error:
        raise UserError(f"the {stage.name} stage cannot start: {one_line(error)}") from error


def process_guarded(stage: Stage, item: Any) -> Any:
    """``stage.process``, where whatever goes wrong costs this one shard; a shard already lost passes through."""
    if isinstance(item, Done):
        return item
    try:
        return stage.process(item)
    except StorageError as error:
        return Done(item.number, str(error), fatal=True)
    except UserError as error:
        return Done(item.number, str(error))
    except Exception as error:
        return Done(item.number, f"{stage.name}: {one_line(error)}")

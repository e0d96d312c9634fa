"""What a stage is: how its model is set up, and what it does to one shard. Engines run it; it knows nothing of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

Count = Callable[..., None]
"""Called as ``count(fetched=1, kept=2)`` with what has been done since the last call."""


class Stage(Protocol):
    """A step of a build. Instances are small and can be pickled; what is heavy is made in ``setup``."""

    name: str

    def setup(self, count: Count) -> None:
        """Load models and open connections; called once, in the process that will do the work."""

    def process(self, item: Any) -> Any:
        """One shard in, one shard out: rows for the gate, a ``Shard`` for the next ones, a ``Done`` from the last."""


@dataclass(frozen=True)
class Done:
    """How one shard ended.

    Attributes:
        number: of the shard.
        error: None if it is committed; else one line that says why not.
        fatal: going on would fail for every other shard too (no space left, the bucket is gone).
        counts: rows by ledger status, and ``bytes`` of stored pictures.
    """

    number: int
    error: str | None = None
    fatal: bool = False
    counts: dict[str, int] | None = None

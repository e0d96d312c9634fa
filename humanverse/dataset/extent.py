"""How the rows of a source are cut into shards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Extent:
    """The rows of a source, and how many of them a shard has; the last shard may have fewer.

    Attributes:
        rows: 0 or more.
        shard_size: 1 or more.
    """

    rows: int
    shard_size: int

    @classmethod
    def of(cls, source: Mapping[str, Any]) -> Extent:
        """What ``source.json`` says."""
        return cls(int(source["rows"]), int(source["shard_size"]))

    @property
    def shards(self) -> int:
        """Numbers from here on are those of supplementary and merged shards."""
        return -(-self.rows // self.shard_size)

    def rows_of(self, shard: int) -> range:
        """The source rows of a shard of the source."""
        return range(shard * self.shard_size, min((shard + 1) * self.shard_size, self.rows))

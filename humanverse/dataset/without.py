"""A shard in memory without what is forgotten: what a build does just before it writes one."""

from __future__ import annotations

import pyarrow as pa

from humanverse.dataset.shard import Shard
from humanverse.dataset.tombstones import Tombstones, redact, spread


def without(shard: Shard, dead: Tombstones) -> Shard:
    """``shard``, in which rows that ``dead`` names say only that they are forgotten, and have no picture and no layers."""
    if not dead:
        return shard
    dead = spread(dead, shard.images)
    gone = dead.names(shard.ledger)
    if not gone.any():
        return shard
    kept = pa.array(~dead.names(shard.images))
    layers = {name: table.filter(kept) for name, table in shard.layers.items()}
    return Shard(shard.number, redact(shard.ledger, gone), shard.images.filter(kept), layers)

"""Datasets with chosen perceptual hashes, and with the same picture in several rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from humanverse.codec.phash import BITS, ONES
from humanverse.dataset.commit import commit
from humanverse.dataset.create import create_or_continue, declare_layer
from humanverse.dataset.shard import Shard
from humanverse.storage import Store
from tests import datasets


def hashes(number: int, seed: int = 0) -> list[int]:
    """Hashes with detail, far from each other."""
    random = np.random.default_rng(seed)
    return [sum(1 << int(bit) for bit in random.permutation(BITS)[:ONES]) for _ in range(number)]


def near(value: int, swaps: int = 1, skip: int = 0) -> int:
    """A hash ``2 * swaps`` bits from ``value``, with as many bits set; other places are changed for another ``skip``."""
    ones = [bit for bit in range(BITS) if value >> bit & 1]
    zeros = [bit for bit in range(BITS) if not value >> bit & 1]
    for one, zero in zip(ones[skip : skip + swaps], zeros[skip : skip + swaps], strict=True):
        value ^= 1 << one | 1 << zero
    return value


def _shard(number: int, first_row: int, items: Sequence[Mapping[str, Any]]) -> Shard:
    """Item ``{"picture": seed, column: value, ...}`` is a sample."""
    made = datasets.make_shard(number, first_row, len(items), {}, {})
    rows = made.images.to_pylist()
    for row, item in zip(rows, items, strict=True):
        (of,) = datasets.make_shard(0, item["picture"], 1, {}, {}).images.to_pylist()
        row |= {**of, "row": row["row"], "url": row["url"]} | {k: v for k, v in item.items() if k != "picture"}
    uids = [row["uid"] for row in rows]
    kept = [{**row, "uid": uid} for row, uid in zip(made.ledger.to_pylist(), uids, strict=False)]
    made.ledger = pa.Table.from_pylist(kept + made.ledger.slice(len(uids)).to_pylist(), schema=made.ledger.schema)
    made.images = pa.Table.from_pylist(rows, schema=made.images.schema)
    made.layers = {name: table.set_column(0, table.schema.field(0), [uids]) for name, table in made.layers.items()}
    return made


def add_shard(store: Store, number: int, items: Sequence[Mapping[str, Any]]) -> None:
    """Commit a shard of ``items`` (see ``similar_dataset``)."""
    commit(store, _shard(number, number * (len(items) + len(datasets.LOST)), items))


def similar_dataset(path: Path | str, shards: Sequence[Sequence[Mapping[str, Any]]], planned_shards: int = 0) -> Store:
    """A dataset of equally long shards; a sample is ``{"picture": seed}``, and any columns of the images table to set."""
    size = len(shards[0]) + len(datasets.LOST)
    store = Store(path)
    source = {"kind": "table", "rows": max(planned_shards, len(shards)) * size, "shard_size": size}
    create_or_continue(store, datasets.recipe_of(), source)
    for layer, card in datasets.cards().items():
        declare_layer(store, layer, card)
    for number, items in enumerate(shards):
        add_shard(store, number, items)
    return store

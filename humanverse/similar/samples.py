"""The samples of a dataset as the search for near duplicates sees them: 16 bytes each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from humanverse.codec.phash import has_detail
from humanverse.dataset.reader import Dataset
from humanverse.dataset.status import over_shards
from humanverse.similar.search import Hashes, Indices

Preference = Callable[[pa.Table], np.ndarray]


def _first(table: pa.Table) -> np.ndarray:
    return np.zeros(0, np.int64)


def _largest(table: pa.Table) -> np.ndarray:
    width, height = (table.column(f"original_{side}").to_numpy() for side in ("width", "height"))
    return -(width.astype(np.int64) * height)


PREFERENCES: dict[str, tuple[tuple[str, ...], Preference]] = {
    "first": ((), _first),
    "largest": (("original_width", "original_height"), _largest),
}
"""By name: the columns that are needed, and what they say of each sample: the least is preferred, then the lowest source row."""


@dataclass(frozen=True)
class Samples:
    """The samples of some shards, the preferred first.

    Attributes:
        keys: uint64 (n,): ``phash``, or for a picture without detail a number made from its uid.
        rows: int64 (n,), source rows: no two samples have the same.
    """

    keys: Hashes
    rows: Indices


def keys(table: pa.Table) -> Hashes:
    """For each sample its ``phash`` if that says something, else the first 64 bits of its uid, so that only equal bytes meet.

    No key of the one sort is of the other: uids that have as many bits set as a hash with detail are changed in one bit.

    Args:
        table: with ``uid`` and ``phash``.
    """
    found = table.column("phash").to_numpy().copy()
    plain = np.flatnonzero(~has_detail(found))
    uids = table.column("uid").take(pa.array(plain)).to_pylist()
    made = np.array([int(uid[:16], 16) for uid in uids], np.uint64)
    found[plain] = made ^ has_detail(made).astype(np.uint64)
    return found


def read(dataset: Dataset, shards: Sequence[int], prefer: str, done: Callable[[int], None]) -> Samples:
    """Read ``shards``, tombstoned samples left out.

    Args:
        prefer: a key of ``PREFERENCES``.
        done: told the number of samples of each shard.

    Raises:
        DatasetError: if a shard is damaged, or has no ``phash``.
    """
    further, preference = PREFERENCES[prefer]

    def one(shard: int) -> tuple[Hashes, Indices, np.ndarray]:
        table = dataset.images(shard, ["row", "phash", *further])
        return keys(table), table.column("row").to_numpy(), preference(table)

    parts: list[tuple[Hashes, Indices, np.ndarray]] = []
    for part in over_shards(one, shards):
        parts.append(part)
        done(len(part[0]))
    hashes, rows, value = (np.concatenate([part[i] for part in parts]) for i in range(3))
    if not len(value) and (rows[1:] > rows[:-1]).all():
        return Samples(hashes, rows)
    order = np.lexsort((rows, value)) if len(value) else np.argsort(rows)
    return Samples(hashes[order], rows[order])

"""Find samples by uid, by URL, or by what they look like, in all shards at once."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from humanverse.blocklists.keys import of_source
from humanverse.dataset.reader import Dataset
from humanverse.dataset.status import over_shards
from humanverse.dataset.tombstones import Tombstones

AT_ONCE = 1 << 22
"""Pairs of hashes that are compared at a time."""
_NONE = np.zeros(0, np.uint64)


@dataclass(frozen=True)
class Wanted:
    """What is looked for.

    Attributes:
        uids: of samples.
        url_keys: of URLs, ``humanverse.blocklists.keys.of_source``.
        behind: uids of what these URLs gave.
        phashes: uint64 (n,), perceptual hashes of pictures.
        distance: bits in which a sample's perceptual hash may differ from one of them.
    """

    uids: frozenset[str] = frozenset()
    url_keys: frozenset[int] = frozenset()
    behind: frozenset[str] = frozenset()
    phashes: npt.NDArray[np.uint64] = field(default_factory=lambda: _NONE)
    distance: int = 0


@dataclass(frozen=True)
class Match:
    """A sample that was found.

    Attributes:
        by: ``uid``, ``url`` or ``picture``: the first of them that it was found by.
        phash: its perceptual hash.
        distance: to the picture that was looked for; 0 if it was not found by one.
        nearest: which of ``Wanted.phashes`` that was.
    """

    uid: str
    url: str | None
    shard: int
    row: int
    by: str
    phash: int
    distance: int = 0
    nearest: int = -1


def find(
    dataset: Dataset, wanted: Wanted, shards: Sequence[int] | None = None, forgotten: bool = False
) -> Iterator[list[Match]]:
    """The samples of each shard that are ``wanted``, in order.

    Memory is bounded by a few shards' columns.

    Args:
        shards: numbers of those to look at; all if not given.
        forgotten: also those that are forgotten and still in the files.

    Raises:
        DatasetError: if a shard is damaged.
    """
    uids, behind = (pa.array(sorted(found), pa.string()) for found in (wanted.uids, wanted.behind))

    def one(shard: int) -> list[Match]:
        read = dataset.images_as_written if forgotten else dataset.images
        table = read(shard, ["row", "url", "phash"])
        by_uid = pc.is_in(table.column("uid"), value_set=uids).to_numpy()
        by_url = pc.is_in(table.column("uid"), value_set=behind).to_numpy()
        by_url = by_url | Tombstones(url_keys=wanted.url_keys).names(table)
        distance, nearest = _nearest(table.column("phash").to_numpy(), wanted.phashes)
        by_picture = distance <= wanted.distance
        found = np.flatnonzero(by_uid | by_url | by_picture)
        rows = table.take(pa.array(found)).to_pylist()
        return [
            Match(
                row["uid"],
                row["url"],
                shard,
                row["row"],
                "uid" if by_uid[at] else "url" if by_url[at] else "picture",
                row["phash"],
                int(distance[at]) if by_picture[at] else 0,
                int(nearest[at]) if by_picture[at] else -1,
            )
            for at, row in zip(found, rows, strict=True)
        ]

    return over_shards(one, dataset.shards() if shards is None else shards)


def uids_behind(dataset: Dataset, url_keys: Collection[int], shards: Sequence[int]) -> dict[int, set[str]]:
    """The pictures that some URLs gave, also where a row was rejected because the picture was there already.

    Args:
        url_keys: of the URLs, ``humanverse.blocklists.keys.of_source``.

    Returns:
        uids by the key of the URL that gave them.

    Raises:
        DatasetError: if a shard is damaged.
    """
    wanted = Tombstones(url_keys=frozenset(url_keys))
    if not wanted:
        return {}

    def one(shard: int) -> list[dict[str, str]]:
        table = dataset.ledger_as_written(shard, ["uid", "url"])
        named: list[dict[str, str]] = table.filter(pa.array(wanted.names(table))).to_pylist()
        return [row for row in named if row["uid"]]

    found: dict[int, set[str]] = {}
    for rows in over_shards(one, shards):
        for row in rows:
            found.setdefault(of_source(row["url"]), set()).add(row["uid"])
    return found


def _nearest(
    hashes: npt.NDArray[np.uint64], wanted: npt.NDArray[np.uint64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """For each hash, how far the nearest of ``wanted`` is (65 if there is none), and which it is."""
    distance, nearest = np.full(len(hashes), 65, np.int64), np.full(len(hashes), -1, np.int64)
    if not len(wanted):
        return distance, nearest
    step = max(1, AT_ONCE // len(wanted))
    for start in range(0, len(hashes), step):
        apart = np.bitwise_count(hashes[start : start + step, None] ^ wanted[None, :])
        nearest[start : start + step] = apart.argmin(axis=1)
        distance[start : start + step] = apart.min(axis=1)
    return distance, nearest

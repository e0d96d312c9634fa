"""Which samples a dataset has already, and in which row: 24 bytes for each."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from humanverse.dataset.reader import Dataset
from humanverse.dataset.status import over_shards

Rows = npt.NDArray[np.int64]
UNKNOWN = -1
SORTED_AT = 1 << 20
"""Samples that are added before all are sorted anew."""


def _binary(uids: Sequence[str]) -> npt.NDArray[np.bytes_]:
    return np.frombuffer(bytes.fromhex("".join(uids)), "S16")


class KnownUids:
    """uids with the lowest row of each.

    Args:
        uids: 32 hex digits each.
        rows: int64, of each.
    """

    def __init__(self, uids: npt.NDArray[np.bytes_], rows: Rows) -> None:
        order = np.lexsort((rows, uids))
        uids, rows = uids[order], rows[order]
        first = np.ones(len(uids), bool)
        first[1:] = uids[1:] != uids[:-1]
        self._uids, self._rows = uids[first], rows[first]
        self._new: dict[str, int] = {}

    @classmethod
    def of(
        cls, dataset: Dataset, shards: Sequence[int], progress: Callable[[int], None] = lambda shard: None
    ) -> KnownUids:
        """Those of ``shards``, forgotten ones too.

        Args:
            progress: told the number of each shard when it is read, in order.

        Raises:
            DatasetError: if one is damaged.
        """

        def one(shard: int) -> tuple[npt.NDArray[np.bytes_], Rows]:
            table = dataset.images_as_written(shard, ["row"])
            return _binary(table.column("uid").to_pylist()), table.column("row").to_numpy()

        found = []
        for shard, read in zip(shards, over_shards(one, shards), strict=True):
            progress(shard)
            found.append(read)
        uids = [np.zeros(0, "S16"), *(uids for uids, _ in found)]
        return cls(np.concatenate(uids), np.concatenate([np.zeros(0, np.int64), *(rows for _, rows in found)]))

    def rows(self, uids: Sequence[str]) -> Rows:
        """The row of each of ``uids``, ``UNKNOWN`` where there is none."""
        found = np.array([self._new.get(uid, UNKNOWN) for uid in uids], np.int64)
        if len(self._uids) and len(uids):
            wanted = _binary(uids)
            at = np.minimum(np.searchsorted(self._uids, wanted), len(self._uids) - 1)
            there = self._uids[at] == wanted
            found[there] = self._rows[at[there]]
        return found

    def add(self, uids: Sequence[str], rows: Sequence[int]) -> None:
        """Samples that are not known yet, each once."""
        self._new.update(zip(uids, rows, strict=True))
        if len(self._new) >= SORTED_AT:
            added = _binary(list(self._new)), np.fromiter(self._new.values(), np.int64)
            order = np.argsort(added[0])
            at = np.searchsorted(self._uids, added[0][order])
            self._uids = np.insert(self._uids, at, added[0][order])
            self._rows = np.insert(self._rows, at, added[1][order])
            self._new.clear()

"""Whether a picture is still the one that the source's list means: its bytes against the hash in the list."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping

import pyarrow as pa

from humanverse.sources.digests import COLUMNS, SIZES, usable

SHOWN = 12
"""Hex digits of a hash in the ledger's detail."""


def _sha256(data: bytes, sha256: str) -> str:
    return sha256


def _md5(data: bytes, sha256: str) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


_OF_BYTES: Mapping[str, Callable[[bytes, str], str]] = {"sha256": _sha256, "md5": _md5}
"""By algorithm, the hash of (bytes, their SHA-256); the first that a row has a usable value for is compared."""


class SourceHashes:
    """What the pictures of a shard should hash to.

    Args:
        table: the shard's rows, as ``ShardRows.load`` gives them.
    """

    def __init__(self, table: pa.Table) -> None:
        self._columns = {
            algorithm: table.column(COLUMNS[algorithm]).to_pylist()
            for algorithm in _OF_BYTES
            if COLUMNS[algorithm] in table.column_names
        }

    def difference(self, index: int, data: bytes, sha256: str) -> str | None:
        """How the bytes of row ``index`` differ from what the source says; empty if they do not; None if it does not say.

        Args:
            index: position in the shard.
            data: as downloaded.
            sha256: of ``data``, hex.
        """
        for algorithm, column in self._columns.items():
            listed = usable(column[index], SIZES[COLUMNS[algorithm]])
            if listed is not None:
                found = _OF_BYTES[algorithm](data, sha256)
                return "" if found == listed else f"{algorithm} {found[:SHOWN]}…, listed {listed[:SHOWN]}…"
        return None


def drift(difference: str | None, as_downloaded: bool) -> bool | None:
    """Whether a picture drifted; None if that cannot be known.

    Args:
        difference: from ``SourceHashes``.
        as_downloaded: whether the bytes are certainly those that were downloaded. If not, they may have been encoded
            anew since: then equal hashes tell that they are the listed bytes, and different ones tell nothing.
    """
    if difference is None or (difference and not as_downloaded):
        return None
    return bool(difference)

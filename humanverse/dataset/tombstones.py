"""Tombstones: what must never be served again. They are added as files of their own, and honoured before anything is rewritten.

A sample is named by its uid. A URL is named by its key, so that it does not stand in the dataset any more; nothing that comes
from it later is taken in.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from humanverse.blocklists.keys import of_source
from humanverse.dataset import layout
from humanverse.dataset.parquet import parquet_bytes, parquet_table
from humanverse.errors import DatasetError
from humanverse.storage import Store
from schemas import ledger
from schemas.tombstones import SCHEMA

BY_URL = "its URL was forgotten"
FRESH_S = 5.0
"""How long a reader relies on the tombstones that it has read."""


@dataclass(frozen=True)
class Tombstones:
    """What is forgotten.

    Attributes:
        uids: of samples.
        url_keys: of URLs, ``humanverse.blocklists.keys.of_source``.
    """

    uids: frozenset[str] = frozenset()
    url_keys: frozenset[int] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.uids or self.url_keys)

    def __or__(self, other: Tombstones) -> Tombstones:
        return Tombstones(self.uids | other.uids, self.url_keys | other.url_keys)

    def names(self, table: pa.Table) -> np.ndarray:
        """bool (n,): whether a row's ``uid`` or ``url`` is forgotten."""
        gone = np.array([uid in self.uids for uid in table.column("uid").to_pylist()], bool)
        if self.url_keys:
            urls = table.column("url").to_pylist()
            gone |= np.array([url is not None and of_source(url) in self.url_keys for url in urls], bool)
        return gone


def spread(dead: Tombstones, table: pa.Table) -> Tombstones:
    """``dead``, and the bytes that samples of ``table`` got from its URLs: they may be there from other URLs too."""
    named = table.filter(pa.array(dead.names(table))).column("uid").to_pylist()
    return dead | Tombstones(frozenset(uid for uid in named if uid))


def name_samples(store: Store, dead: Tombstones, images: pa.Table) -> Tombstones:
    """Add the uids of those samples that only their URL names in ``dead``: readers look at uids alone.

    Args:
        images: with ``uid`` and ``url`` among its columns, of samples that are in the dataset.

    Returns:
        ``dead`` and them.
    """
    whole = spread(dead, images)
    if new := whole.uids - dead.uids:
        write(store, Tombstones(new), BY_URL)
    return whole


class Watch:
    """The tombstones of a dataset, read anew as they are added.

    Args:
        store: of the dataset.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known = Tombstones()
        self._read: frozenset[str] = frozenset()
        self._looked: float | None = None

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_looked": None}

    def now(self) -> Tombstones:
        """What is forgotten, as of ``FRESH_S`` seconds ago at the latest."""
        if self._looked is None or time.monotonic() - self._looked > FRESH_S:
            return self.anew()
        return self._known

    def anew(self) -> Tombstones:
        """What is forgotten at this moment; the same object as before if nothing was added."""
        looked = time.monotonic()
        there = frozenset(name for name in self._store.names(layout.TOMBSTONES) if name.endswith(".parquet"))
        known = Tombstones() if self._read - there else self._known
        for name in there if self._read - there else there - self._read:
            known |= read(self._store, name)
        self._known, self._read, self._looked = known, there, looked
        return known


def read(store: Store, name: str) -> Tombstones:
    """One file of tombstones.

    Raises:
        DatasetError: if it is missing or damaged.
    """
    path = f"{layout.TOMBSTONES}/{name}"
    try:
        table = parquet_table(store.read(path))
        if "uid" not in table.column_names:
            raise ValueError("it has no column uid")
        columns = [
            table.column(name).drop_null().to_pylist() for name in ("uid", "url_key") if name in table.column_names
        ]
    except FileNotFoundError as error:
        raise DatasetError(f"{store.url}/{path} is missing: run the same command again") from error
    except ValueError as error:
        raise DatasetError(f"{store.url}/{path} is damaged: {error}; run humanverse verify") from error
    return Tombstones(*map(frozenset, columns))


def write(store: Store, what: Tombstones, reason: str) -> str:
    """Add tombstones, all at once.

    Args:
        what: something.
        reason: why, in the words of whoever asked for it.

    Returns:
        The file's path.
    """
    now = datetime.now(UTC).isoformat(timespec="seconds")
    uids, keys = sorted(what.uids), sorted(what.url_keys)
    count = len(uids) + len(keys)
    columns = [
        pa.array([*uids, *[None] * len(keys)], pa.string()),
        pa.array([*[None] * len(uids), *keys], pa.uint64()),
        pa.array([reason] * count, pa.string()),
        pa.array([now] * count, pa.string()),
    ]
    data = parquet_bytes(pa.table(columns, schema=SCHEMA))
    stamp = now.replace(":", "").replace("-", "").partition("+")[0]
    path = f"{layout.TOMBSTONES}/{stamp}-{hashlib.sha256(data).hexdigest()[:12]}.parquet"
    store.write(path, data)
    return path


def redact(table: pa.Table, gone: np.ndarray) -> pa.Table:
    """A ledger in which rows say nothing but that they are forgotten.

    Args:
        table: with columns of ``schemas.ledger.SCHEMA``.
        gone: bool (n,), which rows.
    """
    if not gone.any():
        return table
    said = {"status": ledger.REJECTED, "reason": ledger.FORGOTTEN}
    mask = pa.array(gone)
    columns = [
        table.column(field.name)
        if field.name == "row"
        else pc.if_else(mask, pa.scalar(said.get(field.name), field.type), table.column(field.name))
        for field in table.schema
    ]
    return pa.table(columns, schema=table.schema)


def redact_live(table: pa.Table, dead: Tombstones, whole: Collection[str] | None = None) -> pa.Table:
    """A ledger as readers see it: ``redact`` of what ``dead`` names.

    Args:
        table: with ``uid`` and ``url`` among its columns.
        whole: the columns to give, all if None.
    """
    if dead:
        table = redact(table, dead.names(table))
    return table if whole is None else table.select(list(whole))

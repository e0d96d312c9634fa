"""Block-lists in a dataset: the compiled keys, so that every worker has them, and the history of which were in force.

Keys are hashes: entries do not stand in the dataset in plain text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa

from humanverse.blocklists import BlockList, Blocklists, read
from humanverse.blocklists.keys import KINDS, of_hash
from humanverse.blocklists.matching import FORGOTTEN
from humanverse.dataset import layout
from humanverse.dataset.create import json_bytes, read_json
from humanverse.dataset.parquet import parquet_bytes, parquet_table
from humanverse.dataset.tombstones import Watch
from humanverse.errors import DatasetError
from humanverse.storage import Store
from schemas.recipe import BlockSettings

SCHEMA = pa.schema([pa.field("key", pa.uint64(), nullable=False)])


@dataclass(frozen=True)
class InForce:
    """Which lists hold, without their keys: small, and the same for every worker.

    Attributes:
        url: of the dataset that has the keys.
        lists: (kind, path as in the recipe, SHA-256 of the file) of each.
        phash_distance: bits in which a perceptual hash may differ from a listed one.
    """

    url: str = ""
    lists: tuple[tuple[str, str, str], ...] = ()
    phash_distance: int = 0

    def load(self) -> Blocklists:
        """The lists, 8 bytes per entry, and what the dataset has forgotten.

        Raises:
            DatasetError: if the dataset does not have them whole.
        """
        if not self.url:
            return Blocklists()
        store = Store(self.url)
        compiled = [BlockList(*item, read_keys(store, item[0], item[2])) for item in self.lists]
        return Blocklists([*_forgotten(store), *compiled], self.phash_distance)


def _forgotten(store: Store) -> list[BlockList]:
    """The dataset's tombstones as lists, so that what they name is not fetched again."""
    dead = Watch(store).now()
    keys = {"urls": sorted(dead.url_keys), "hashes": sorted({of_hash(uid) for uid in dead.uids})}
    return [BlockList(kind, FORGOTTEN, "", np.array(found, np.uint64)) for kind, found in keys.items()]


def read_keys(store: Store, kind: str, sha256: str) -> np.ndarray:
    """uint64 (n,), the keys of a list, ascending.

    Raises:
        DatasetError: if the file is missing or damaged.
    """
    path = layout.blocklist(kind, sha256)
    try:
        table = parquet_table(store.read(path), SCHEMA.names)
    except FileNotFoundError as error:
        raise DatasetError(f"{store.url}/{path} is missing: run the same command again") from error
    except ValueError as error:
        raise DatasetError(f"{store.url}/{path} is damaged: {error}; run the same command again") from error
    keys = table.column(0).combine_chunks().to_numpy()
    if table.schema != SCHEMA or not (keys[1:] > keys[:-1]).all():
        raise DatasetError(f"{store.url}/{path} is not a compiled block-list; run the same command again")
    return keys


def obtain(store: Store, settings: BlockSettings) -> list[BlockList]:
    """The lists that the recipe names, compiled; from the dataset, where a file of the same content was compiled before.

    Raises:
        UserError: if one cannot be read or has a malformed entry.
    """

    def known(kind: str, sha256: str) -> np.ndarray | None:
        try:
            return read_keys(store, kind, sha256)
        except DatasetError:
            return None

    return [read(kind, path, known) for kind in KINDS for path in getattr(settings, kind)]


def in_force(store: Store, lists: Sequence[BlockList], phash_distance: int) -> InForce:
    """What workers are told of ``lists``, which ``publish`` writes."""
    return InForce(store.url, tuple((one.kind, one.path, one.sha256) for one in lists), phash_distance)


def publish(store: Store, lists: Sequence[BlockList], phash_distance: int) -> None:
    """Write the lists that the dataset does not have whole, then a line of history, if they are not those of the run before."""
    for one in lists:
        if one.fresh:
            store.write(layout.blocklist(one.kind, one.sha256), parquet_bytes(pa.table([one.keys], schema=SCHEMA)))
    past = history(store)
    now = {
        "phash_distance": phash_distance,
        "lists": [
            {"kind": one.kind, "path": one.path, "entries": len(one.keys), "sha256": one.sha256} for one in lists
        ],
    }
    before = {name: past[-1][name] for name in now} if past else {**now, "lists": []}
    if now != before:
        time = datetime.now(UTC).isoformat(timespec="seconds")
        store.write(layout.BLOCKLIST_HISTORY, json_bytes({"history": [*past, {"time": time, **now}]}))


def history(store: Store) -> list[dict[str, Any]]:
    """What was in force, oldest first: ``time``, ``phash_distance`` and ``lists`` (kind, path, entries, sha256).

    Raises:
        DatasetError: if the file is there and damaged.
    """
    whole = read_json(store, layout.BLOCKLIST_HISTORY)
    found = [] if whole is None else whole.get("history")
    if not _is_history(found):
        raise DatasetError(f"{store.url}/{layout.BLOCKLIST_HISTORY} is damaged: run humanverse verify")
    return found  # type: ignore[return-value]


def _is_history(value: Any) -> bool:
    try:
        return isinstance(value, list) and all(
            isinstance(item["time"], str)
            and isinstance(item["phash_distance"], int)
            and all(one["kind"] in KINDS and isinstance(one["entries"], int) for one in item["lists"])
            and all(isinstance(one[name], str) for one in item["lists"] for name in ("path", "sha256"))
            for item in value
        )
    except (TypeError, KeyError):
        return False

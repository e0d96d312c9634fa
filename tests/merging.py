"""Datasets for tests of merges: pictures that overlap as a test wants it, and what a merged dataset holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import humanverse
from humanverse.dataset.commit import commit
from humanverse.dataset.create import create_or_continue, declare_layer
from humanverse.dataset.reader import Dataset
from humanverse.dataset.verify import verify
from humanverse.storage import Store
from tests import datasets
from tests.datasets import LAYERS, LOST

LOST_PER_SHARD = len(LOST)


def make(
    path: Path,
    seeds: Sequence[Sequence[int]],
    *,
    columns: Mapping[str, Any] | None = None,
    layers: Sequence[str] = LAYERS,
    changed: Mapping[str, str] | None = None,
    planned_shards: int | None = None,
    name: str = "",
) -> Dataset:
    """A dataset whose shards have the pictures ``seeds``, and three lost rows each; equal seeds are equal pictures.

    Args:
        columns: of every sample.
        layers: those that it has.
        changed: layer -> its model, for those that were made otherwise.
        planned_shards: of the source; more than ``seeds`` has makes an unfinished dataset.
        name: of the source's file.
    """
    store = Store(path)
    size = max(len(pictures) for pictures in seeds) + LOST_PER_SHARD
    source = {"kind": "table", "rows": (planned_shards or len(seeds)) * size, "shard_size": size, "files": [[name, 1]]}
    create_or_continue(store, datasets.recipe_of(layers), source)
    for layer, card in datasets.cards(changed).items():
        if layer in layers:
            declare_layer(store, layer, card)
    add(Dataset(str(path)), seeds, columns=columns, layers=layers)
    return Dataset(str(path))


def add(
    dataset: Dataset,
    seeds: Sequence[Sequence[int]],
    first: int = 0,
    columns: Mapping[str, Any] | None = None,
    layers: Sequence[str] = LAYERS,
) -> None:
    """Commit further shards, ``first`` and those after it; rows of a shard that has fewer pictures than others fail."""
    for number, pictures in enumerate(seeds, first):
        rows = dataset.extent.rows_of(number)
        lost = {row: LOST[index % LOST_PER_SHARD] for index, row in enumerate(rows[len(pictures) :])}
        shard = datasets.shard_of(number, dict(zip(rows, pictures, strict=False)), lost, columns or {}, {})
        shard.layers = {layer: table for layer, table in shard.layers.items() if layer in layers}
        commit(dataset.store, shard)


def problems(path: Path) -> list[str]:
    """What ``verify`` finds that is broken."""
    return [f"{finding.path} {finding.message}" for finding in verify(humanverse.open(str(path))).problems]


def uids(path: Path) -> list[str]:
    """Of every sample, in order."""
    dataset = humanverse.open(str(path))
    return [uid for shard in dataset.shards() for uid in dataset.images(shard, ["uid"]).column("uid").to_pylist()]


def all_rows(path: Path) -> Counter[int]:
    """How often each row is final."""
    dataset = humanverse.open(str(path))
    return Counter(
        row for shard in dataset.shards() for row in dataset.ledger(shard, ["row"]).column("row").to_pylist()
    )


def rows_said(path: Path, shards: Sequence[int]) -> list[tuple[int, str, str | None, str | None]]:
    """(row, status, reason, detail) of the ledgers of ``shards``."""
    dataset, names = humanverse.open(str(path)), ("row", "status", "reason", "detail")
    return [
        (row["row"], row["status"], row["reason"], row["detail"])
        for shard in shards
        for row in dataset.ledger(shard, names).to_pylist()
    ]


def files(folder: Path) -> dict[str, bytes]:
    """Every file by its path."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def retried(path: Path, kept: list[int]) -> None:
    """Try the rows of ``timeout`` again; those of ``kept`` become samples."""
    datasets.make_retry(path, ["timeout"], kept)

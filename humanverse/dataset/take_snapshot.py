"""Take a snapshot: which files a run reads, with their hashes, and which samples it is served, as digests."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

import humanverse
from humanverse.dataset import layout
from humanverse.dataset.merges import merge_numbers
from humanverse.dataset.reader import Dataset
from humanverse.dataset.retries import pass_numbers
from humanverse.dataset.selection import Selection
from humanverse.dataset.snapshots import SnapshotCard, digest, snapshot_numbers, write_card, write_files
from humanverse.dataset.status import over_shards
from humanverse.dataset.views import View, spans
from humanverse.errors import DatasetError, UserError
from humanverse.storage import Store
from schemas.layers import KINDS

Row = dict[str, Any]
"""A row of ``schemas.snapshots``."""


def _pinned(store: Store, path: str, hashed: bool, **columns: Any) -> Row:
    try:
        size, sha256 = digest(store, path) if hashed else (store.size(path), None)
    except FileNotFoundError as error:
        raise DatasetError(f"{store.url}/{path} is missing: run humanverse verify") from error
    return {"path": path, "size": size, "sha256": sha256, **columns}


def uids_digest(selection: Selection, shard: int) -> tuple[int, str]:
    """How many samples of a shard are served, and the SHA-256 of their uids.

    Raises:
        DatasetError: if the shard is damaged, or the view cannot be read with it.
    """
    uids = selection.read(shard, ["uid"]).images.column("uid").to_pylist()
    return len(uids), hashlib.sha256(bytes.fromhex("".join(uids))).hexdigest()


@dataclass(frozen=True)
class Scope:
    """What is pinned.

    Attributes:
        selection: the samples.
        layers: ``<kind>/<name>`` -> the shards that have it.
        ledgers: whether ledgers are read, and what retries and merges planned; a view reads neither.
        retried: shards that a retry planned.
    """

    dataset: Dataset
    selection: Selection
    layers: dict[str, frozenset[int]]
    ledgers: bool
    retried: frozenset[int]

    @classmethod
    def of(cls, dataset: Dataset, view: str | None) -> Scope:
        """All of a dataset, or what a view reads.

        Raises:
            DatasetError: if there is no such view, or it cannot be read with all shards.
        """
        selection = dataset.select(view)
        layers = sorted(_layers_of(selection.view)) if selection.view else dataset.layers()
        if selection.view:
            selection.check(dataset.shards(), layers)
        retried = frozenset(number for one in dataset.passes() for number in one.numbers)
        having = {layer: dataset.layer_shards(layer) for layer in layers}
        return cls(dataset, selection, having, view is None, retried)

    def of_no_shard(self) -> Iterator[str]:
        """Paths of the files that are of no shard. A view's card is in the snapshot's own."""
        store = self.dataset.store
        yield from (layout.MARKER, layout.RECIPE, layout.SOURCE)
        yield from (layout.layer_card(layer) for layer in self.layers)
        if self.ledgers:
            yield from map(layout.retry_pass, pass_numbers(store))
            yield from map(layout.merge, merge_numbers(store))
        if self.selection.view:
            for item in self.selection.view.filters:
                yield layout.filter_card(item.name)
                yield from (layout.filter_table(item.name, int(shard)) for shard in item.card.left_out)

    def of_shard(self, shard: int) -> Iterator[str]:
        """Paths of a shard's files, but for its images table."""
        generation = self.dataset.generation(shard)
        if self.ledgers:
            yield layout.ledger(shard, generation)
            if shard in self.retried:
                yield layout.retry_rows(shard)
        yield layout.images_tar(shard, generation)
        for layer, having in self.layers.items():
            if shard in having:
                yield layout.layer_table(layer, shard, generation)
                if KINDS[layer.partition("/")[0]].dense:
                    yield layout.layer_tar(layer, shard, generation)


def _layers_of(view: View) -> set[str]:
    return {pin.layer for pin in (*view.card.layers.values(), *view.card.reads.values())}


def _of_shard(scope: Scope, tars: bool, shard: int) -> list[Row]:
    store = scope.dataset.store
    samples, uids = uids_digest(scope.selection, shard)
    table = layout.images_table(shard, scope.dataset.generation(shard))
    rows = [_pinned(store, table, True, shard=shard, samples=samples, uids_sha256=uids)]
    for path in scope.of_shard(shard):
        rows.append(_pinned(store, path, tars or not path.endswith(".tar"), shard=shard))
    return rows


def take(
    dataset: Dataset,
    view: str | None = None,
    name: str = "",
    tars: bool = False,
    progress: Callable[[int], None] = lambda shard: None,
) -> tuple[int, SnapshotCard]:
    """Take a snapshot of all samples and layers, or of what a view reads.

    Memory is bounded by a few shards' tables.

    Args:
        view: its name.
        name: in the user's words, one line.
        tars: read tars too; without, their size is pinned, and the hashes of their pictures by the tables.
        progress: told the number of each shard when it is done, in order.

    Returns:
        Its number, and what it pins.

    Raises:
        UserError: if there is nothing to pin, or something is damaged.
    """
    if not name.isprintable() or len(name) > 200:
        raise UserError("a snapshot's name is one line of at most 200 characters")
    numbers, store = dataset.shards(), dataset.store
    if not numbers:
        raise UserError(f"{store.url} has no committed shard: build it first")
    scope, all_uids, samples = Scope.of(dataset, view), hashlib.sha256(), 0

    def groups() -> Iterator[list[Row]]:
        nonlocal samples
        yield [_pinned(store, path, True) for path in scope.of_no_shard()]
        for shard, rows in zip(numbers, over_shards(partial(_of_shard, scope, tars), numbers), strict=True):
            samples += rows[0]["samples"]
            all_uids.update(bytes.fromhex(rows[0]["uids_sha256"]))
            progress(shard)
            yield rows

    number = max(snapshot_numbers(store), default=-1) + 1
    files, files_sha256 = write_files(store, number, groups())
    seen = scope.selection.view
    card = SnapshotCard(
        name=name,
        view=seen.card if seen else None,
        filters={item.name: digest(store, layout.filter_card(item.name))[1] for item in seen.filters} if seen else {},
        layers={layer: str(dataset.layer_card(layer).get("fingerprint")) for layer in scope.layers},
        shards=spans(numbers),
        generations={str(shard): dataset.generation(shard) for shard in numbers if dataset.generation(shard)},
        samples=samples,
        tombstones=count_tombstones(dataset),
        tars=tars,
        files=files,
        files_sha256=files_sha256,
        digest=all_uids.hexdigest(),
        code=f"humanverse {humanverse.__version__}",
        time=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    write_card(store, number, card)
    return number, card


def count_tombstones(dataset: Dataset) -> int:
    """Of uids and of URLs."""
    return len(dataset.forgotten.uids) + len(dataset.forgotten.url_keys)

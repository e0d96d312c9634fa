"""Rewrite the shards that hold something forgotten, without it: a new generation of their files beside the old ones.

The new ledger is the commit; then the old files are deleted. Killed before the commit, the old generation counts and what was
written of the new one is written again; killed after it, the next run deletes what is left.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from humanverse.dataset import layout, tar
from humanverse.dataset.commit import placed
from humanverse.dataset.generations import Gone
from humanverse.dataset.parquet import parquet_bytes, parquet_table
from humanverse.dataset.reader import Dataset
from humanverse.dataset.tombstones import Tombstones, name_samples, redact
from humanverse.errors import DatasetError, one_line
from humanverse.storage import Store
from schemas.layers import KINDS

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Rewritten:
    """What was done to a shard.

    Attributes:
        generation: the new one.
        samples: that it does not have any more.
        rows: of its ledger that say only that they are forgotten, and did not before.
        maps: that its layers do not have any more.
        uids: of samples that only their URL named until now.
    """

    number: int
    generation: int
    samples: int
    rows: int
    maps: int
    uids: frozenset[str] = field(repr=False)


def holds(dataset: Dataset, shard: int, dead: Tombstones) -> bool:
    """Whether a shard's ledger names something that is forgotten: so long its files may have it."""
    return bool(dead.names(dataset.ledger_as_written(shard, ["uid", "url"])).any())


def _table(store: Store, path: str) -> pa.Table:
    try:
        return parquet_table(store.read(path))
    except FileNotFoundError as error:
        raise Gone(f"{store.url}/{path} is missing: run humanverse verify") from error
    except ValueError as error:
        raise DatasetError(f"{store.url}/{path} is damaged: {error}; run humanverse verify") from error


def _kept(store: Store, path: str, wanted: frozenset[str]) -> Iterator[tuple[str, bytes]]:
    """The members of a tar that are ``wanted``, in order."""
    try:
        with store.reading(path) as file:
            yield from ((member.name, data) for member, data in tar.read(file) if member.name in wanted)
    except FileNotFoundError as error:
        raise Gone(f"{store.url}/{path} is missing: run humanverse verify") from error
    except (tarfile.TarError, ValueError) as error:
        raise DatasetError(f"{store.url}/{path} is damaged: {one_line(error)}; run humanverse verify") from error


def _copy(store: Store, old: str, new: str, names: Sequence[str]) -> list[tar.Member]:
    """The members ``names``, distinct or with equal content, of the tar ``old`` as the tar ``new``.

    Raises:
        DatasetError: if they are not there, in this order.
    """
    with store.writing(new) as scratch, scratch.open("wb") as file:
        written = tar.write(file, _kept(store, old, frozenset(names)))
        if [member.name for member in written] != list(names):
            raise DatasetError(f"{store.url}/{old} does not have the members of its table: run humanverse verify")
    return written


class _Shard:
    """One shard that is being rewritten."""

    def __init__(self, dataset: Dataset, number: int) -> None:
        self.store, self.dataset, self.number = dataset.store, dataset, number
        self.images = dataset.images_as_written(number)
        self.old = dataset.generation(number)
        self.new = self.old + 1
        self.ledger = _table(self.store, layout.ledger(number, self.old))

    def layers(self) -> list[str]:
        return [layer for layer in self.dataset.layers() if self.number in self.dataset.layer_shards(layer)]

    def write(self, dead: Tombstones) -> Rewritten:
        before = dead.uids
        dead = name_samples(self.store, dead, self.images)
        in_ledger, in_images = dead.names(self.ledger), dead.names(self.images)
        maps = sum(self._layer(layer, ~in_images) for layer in self.layers())
        self._images(~in_images)
        path = layout.ledger(self.number, self.new)
        if self.store.exists(path):
            raise DatasetError(f"{self.store.url}/{path} was written by another run meanwhile: run compact again")
        self.store.write(path, parquet_bytes(redact(self.ledger, in_ledger)))
        samples, rows = int(in_images.sum()), int(in_ledger.sum())
        return Rewritten(self.number, self.new, samples, rows, maps, dead.uids - before)

    def _images(self, kept: Mask) -> None:
        table = self.images.filter(pa.array(kept))
        names = [f"{uid}.{layout.IMAGE_SUFFIX}" for uid in table.column("uid").to_pylist()]
        old, new = (layout.images_tar(self.number, generation) for generation in (self.old, self.new))
        table = placed(table, "jpg", _copy(self.store, old, new, names))
        self.store.write(layout.images_table(self.number, self.new), parquet_bytes(table))

    def _layer(self, layer: str, kept: Mask) -> int:
        """Rewrite one layer; how many maps it does not have any more."""
        kind = KINDS[layer.partition("/")[0]]
        before = _table(self.store, layout.layer_table(layer, self.number, self.old))
        if not before.column("uid").equals(self.images.column("uid")):
            raise DatasetError(f"layer {layer} does not match the images of shard {self.number}: run humanverse verify")
        table = before.filter(pa.array(kept))
        maps = 0
        if kind.dense:
            there = table.column("map_offset").is_valid().to_pylist()
            names = [f"{uid}.{kind.suffix}" for uid in table.column("uid").to_pylist()]
            old, new = (layout.layer_tar(layer, self.number, generation) for generation in (self.old, self.new))
            wanted = [name for name, is_there in zip(names, there, strict=True) if is_there]
            members = iter(_copy(self.store, old, new, wanted))
            table = placed(table, "map", [next(members) if is_there else None for is_there in there])
            maps = before.num_rows - before.column("map_offset").null_count - len(wanted)
        self.store.write(layout.layer_table(layer, self.number, self.new), parquet_bytes(table))
        return maps


def rewrite(dataset: Dataset, shard: int, dead: Tombstones) -> Rewritten:
    """Write a new generation of ``shard`` without what ``dead`` names, and commit it; old files stay until ``sweep``.

    Memory is bounded by the shard's tables and one picture or map.

    Raises:
        DatasetError: if a file is missing or damaged; the old generation then counts.
    """
    done = _Shard(dataset, shard).write(dead)
    dataset.shards()
    return done


def stale(dataset: Dataset) -> Iterator[str]:
    """Files of committed shards that are not of the generation that counts."""
    committed = frozenset(dataset.shards())
    folders = [layout.LEDGER, layout.IMAGES]
    for kind in dataset.store.names(layout.LAYERS):
        folders += [f"{layout.LAYERS}/{kind}/{name}" for name in dataset.store.names(f"{layout.LAYERS}/{kind}")]
    for folder in folders:
        for name in dataset.store.names(folder):
            file = layout.shard_file(name)
            if file and file.number in committed and file.generation != dataset.generation(file.number):
                yield f"{folder}/{name}"


def sweep(dataset: Dataset, paths: Iterable[str] | None = None) -> int:
    """Delete ``stale`` files, or those of them that are given.

    Returns:
        How many bytes they had.
    """
    freed = 0
    for path in list(stale(dataset)) if paths is None else paths:
        if dataset.store.exists(path):  # whoever wrote it too late may have deleted it
            freed += dataset.store.size(path)
            dataset.store.remove(path)
    return freed


def traces(dataset: Dataset, shard: int, dead: Tombstones) -> Iterator[str]:
    """Files of a shard, by path, that still name something forgotten; every table and tar of it is read to its end."""
    generation, store = dataset.generation(shard), dataset.store
    for path in (layout.ledger(shard, generation), layout.images_table(shard, generation)):
        if dead.names(_table(store, path)).any():
            yield path
    tars = [layout.images_tar(shard, generation)]
    for layer in dataset.layers():
        if shard not in dataset.layer_shards(layer):
            continue
        path = layout.layer_table(layer, shard, generation)
        if not dead.uids.isdisjoint(_table(store, path).column("uid").to_pylist()):
            yield path
        if KINDS[layer.partition("/")[0]].dense:
            tars.append(layout.layer_tar(layer, shard, generation))
    for path in tars:
        with store.reading(path) as file:
            named = sum(member.name.partition(".")[0] in dead.uids for member, _ in tar.read(file))
        if named:
            yield path

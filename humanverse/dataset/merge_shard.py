"""One shard of another dataset as a new shard of this one: which of its samples are new, and their bytes as they are."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from humanverse.dataset import layout, tar
from humanverse.dataset.commit import placed
from humanverse.dataset.known_uids import UNKNOWN, KnownUids
from humanverse.dataset.members import Tars, places
from humanverse.dataset.merges import MergedShard
from humanverse.dataset.parquet import parquet_bytes
from humanverse.dataset.reader import Dataset
from humanverse.dataset.retries import Superseding
from humanverse.dataset.source_columns import fit
from humanverse.dataset.tombstones import Tombstones, Watch, name_samples, redact, spread
from humanverse.errors import DatasetError
from humanverse.plurals import plural, word
from schemas import ledger
from schemas.layers import KINDS

Indices = npt.NDArray[np.int64]
_NAMING = ("duplicate", "near_duplicate")
"""Reasons whose detail ends with the number of another row."""
_ROW = re.compile(r"\brow ([0-9]+)$")


class Final:
    """The ledgers of a dataset as they were when it had ``shards`` shards, rows that these supersede left out.

    Args:
        dataset: that is complete, or was then.
    """

    def __init__(self, dataset: Dataset, shards: int) -> None:
        self._dataset = dataset
        self._superseding = Superseding(dataset.passes(), range(shards), dataset.retry_rows)

    def ledger(self, shard: int, columns: Sequence[str] | None = None) -> pa.Table:
        """The final rows of a shard as they are written, forgotten ones too; ``columns`` must have ``row``."""
        table = self._dataset.ledger_as_written(shard, columns)
        own = self._dataset.extent.rows_of(shard)
        first, last = self._superseding.span(shard) or (own.start, own.stop - 1)
        gone = self._superseding.rows(shard, first, last).combine_chunks()
        return table.filter(pc.invert(pc.is_in(table.column("row"), value_set=gone))) if len(gone) else table


@dataclass(frozen=True)
class Loaded:
    """One shard of the other dataset, in memory but for its pictures and layers.

    Attributes:
        shard: as planned.
        generation: of its files, when they were read.
        ledger: its final rows.
        images: its table, as written.
    """

    shard: MergedShard
    generation: int
    ledger: pa.Table
    images: pa.Table


def load(final: Final, other: Dataset, shard: MergedShard) -> Loaded:
    """Read a shard.

    Args:
        final: the other dataset's ledgers.

    Raises:
        DatasetError: if it is damaged, or not as it was planned.
    """
    table, images = final.ledger(shard.of), other.images_as_written(shard.of)
    generation = other.generation(shard.of)
    where = f"{other.store.url}/{layout.ledger(shard.of, generation)}"
    if table.num_rows != shard.rows:
        raise DatasetError(
            f"{where} has {plural(table.num_rows, 'final row')}, {shard.rows} {word(shard.rows, 'was', 'were')} "
            "planned: run humanverse verify"
        )
    if not table.filter(pc.equal(table.column("status"), ledger.KEPT)).column("uid").equals(images.column("uid")):
        raise DatasetError(f"{where} does not have the samples of the images: run humanverse verify")
    return Loaded(shard, generation, table, images)


@dataclass(frozen=True)
class Decided:
    """What becomes of one shard.

    Attributes:
        shard: as planned.
        generation: of the other dataset's files, when they were read.
        ledger: its rows, as they are to be written.
        images: the other dataset's table, all of it.
        kept: positions in it of the samples that are copied, ascending.
        duplicates: samples that are not copied since they are here already.
    """

    shard: MergedShard
    generation: int
    ledger: pa.Table
    images: pa.Table
    kept: Indices
    duplicates: int

    @property
    def counts(self) -> dict[str, int]:
        """``rows``; those ``kept``, ``forgotten`` here or there, and ``duplicates``; ``bytes`` to copy."""
        return {
            "rows": self.ledger.num_rows,
            "kept": len(self.kept),
            "forgotten": pc.sum(pc.equal(self.ledger.column("reason"), ledger.FORGOTTEN)).as_py() or 0,
            "duplicates": self.duplicates,
            "bytes": pc.sum(self.images.column("jpg_size").take(pa.array(self.kept))).as_py() or 0,
        }


def decide(loaded: Loaded, known: KnownUids, dead: Tombstones) -> Decided:
    """Which samples of a shard are new; they are known from then on.

    Args:
        known: what is here already.
        dead: what is forgotten here or there.
    """
    shard, table, images = loaded.shard, loaded.ledger, loaded.images
    rows = shard.first + np.arange(table.num_rows)
    gone = spread(dead, images).names(table)
    table = _renumbered(table, rows)
    was_kept = np.flatnonzero(pc.equal(table.column("status"), ledger.KEPT).to_numpy())
    alive = np.flatnonzero(~gone[was_kept])
    uids = images.column("uid").take(pa.array(alive)).to_pylist()
    same = _same(known, uids, rows[was_kept[alive]])
    new, repeated = same == UNKNOWN, same != UNKNOWN
    kept = alive[new]
    known.add([uids[index] for index in np.flatnonzero(new)], rows[was_kept[kept]].tolist())
    table = _rejected(table, was_kept[alive[repeated]], same[repeated])
    return Decided(shard, loaded.generation, redact(table, gone), images, kept, int(repeated.sum()))


def _renumbered(table: pa.Table, rows: Indices) -> pa.Table:
    """A ledger with other row numbers, also where its details name rows."""
    now = dict(zip(table.column("row").to_pylist(), rows.tolist(), strict=True))

    def named(match: re.Match[str]) -> str:
        row = int(match[1])
        return f"row {now[row]}" if row in now else f"row {row} of the dataset that it came from"

    details = [detail and _ROW.sub(named, detail) for detail in table.column("detail").to_pylist()]
    repeats = pc.is_in(table.column("reason"), value_set=pa.array(_NAMING))
    table = _replaced(table, "detail", pc.if_else(repeats, pa.array(details, pa.string()), table.column("detail")))
    return _replaced(table, "row", pa.array(rows))


def _same(known: KnownUids, uids: Sequence[str], rows: Indices) -> Indices:
    """The row that each sample repeats, here or earlier in its own shard; ``UNKNOWN`` for the first of its kind."""
    same = known.rows(uids)
    earlier: dict[str, int] = {}
    for index, (uid, row) in enumerate(zip(uids, rows.tolist(), strict=True)):
        if same[index] == UNKNOWN:
            same[index] = earlier.get(uid, UNKNOWN)
            earlier.setdefault(uid, row)
    return same


def _rejected(table: pa.Table, positions: Indices, same: Indices) -> pa.Table:
    """A ledger in which the rows at ``positions`` repeat the rows ``same``."""
    details: list[str | None] = [None] * table.num_rows
    for position, row in zip(positions.tolist(), same.tolist(), strict=True):
        details[position] = f"same bytes as row {row}"
    repeated = pa.array([detail is not None for detail in details])
    said = {"status": ledger.REJECTED, "reason": "duplicate", "detail": pa.array(details, pa.string())}
    for name, value in said.items():
        table = _replaced(table, name, pc.if_else(repeated, value, table.column(name)))
    return table


def _replaced(table: pa.Table, name: str, values: pa.Array | pa.ChunkedArray) -> pa.Table:
    """``table`` with other values in a column."""
    index = table.schema.get_field_index(name)
    return table.set_column(index, table.schema.field(index), values)


def _checked(contents: Iterator[bytes], names: Sequence[str], digests: Sequence[str], where: str) -> Iterator[bytes]:
    """``contents``, each of which must have the SHA-256 that its table says."""
    for content, name, digest in zip(contents, names, digests, strict=True):
        if hashlib.sha256(content).hexdigest() != digest:
            raise DatasetError(f"{where} is damaged: {name} has other bytes than were written; run humanverse verify")
        yield content


@dataclass(frozen=True)
class Copier:
    """Writes shards that were decided.

    Attributes:
        dataset: that they are added to.
        other: that they come from.
        schema: of the images tables here.
        layers: ``<kind>/<name>`` there -> here, of those that are copied.
        having: by layer there, the shards that have it.
        forgotten: of ``dataset``.
    """

    dataset: Dataset
    other: Dataset
    schema: pa.Schema
    layers: Mapping[str, str]
    having: Mapping[str, frozenset[int]]
    forgotten: Watch

    def write(self, decided: Decided) -> None:
        """Write one shard, its ledger last; a picture or a map at a time is in memory.

        Raises:
            DatasetError: if the other dataset's shard is damaged, or was compacted meanwhile.
        """
        shard = decided.shard
        for there, here in self.layers.items():
            if shard.of in self.having[there]:
                self._layer(decided, there, here)
        self._images(decided)
        self.dataset.store.write(layout.ledger(shard.number), parquet_bytes(decided.ledger))
        name_samples(self.dataset.store, self.forgotten.anew(), decided.images.take(pa.array(decided.kept)))

    def _images(self, decided: Decided) -> None:
        shard = decided.shard
        table = decided.images.take(pa.array(decided.kept))
        names = [f"{uid}.{layout.IMAGE_SUFFIX}" for uid in table.column("uid").to_pylist()]
        old = layout.images_tar(shard.of, decided.generation)
        contents = _checked(
            self._members(old, table, "jpg", names),
            names,
            table.column("jpg_sha256").to_pylist(),
            f"{self.other.store.url}/{old}",
        )
        table = placed(table, "jpg", self._tar(layout.images_tar(shard.number), names, contents))
        kept = pc.equal(decided.ledger.column("status"), ledger.KEPT)
        table = _replaced(table, "row", decided.ledger.filter(kept).column("row"))
        self.dataset.store.write(layout.images_table(shard.number), parquet_bytes(fit(table, self.schema)))

    def _layer(self, decided: Decided, there: str, here: str) -> None:
        shard, store = decided.shard, self.dataset.store
        table = self.other.layer(there, shard.of, decided.images).take(pa.array(decided.kept))
        kind = KINDS[here.partition("/")[0]]
        if kind.dense:
            held = table.column("map_offset").is_valid()
            maps = table.filter(held)
            names = [f"{uid}.{kind.suffix}" for uid in maps.column("uid").to_pylist()]
            old = layout.layer_tar(there, shard.of, decided.generation)
            contents = self._members(old, maps, "map", names)
            written = iter(self._tar(layout.layer_tar(here, shard.number), names, contents))
            table = placed(table, "map", [next(written) if has else None for has in held.to_pylist()])
        store.write(layout.layer_table(here, shard.number), parquet_bytes(table))

    def _members(self, path: str, table: pa.Table, what: str, names: Sequence[str]) -> Iterator[bytes]:
        found = Tars(self.other.store, self.other.generations).passage(path, names, places(table, what))
        return (content for content in found if content is not None)

    def _tar(self, path: str, names: Sequence[str], contents: Iterator[bytes]) -> list[tar.Member]:
        with self.dataset.store.writing(path) as scratch, scratch.open("wb") as file:
            return tar.write(file, zip(names, contents, strict=True))

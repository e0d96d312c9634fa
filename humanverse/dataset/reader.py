"""Read a dataset: its shards, tables, pictures and layers. The one way out for data; tombstoned samples never leave here."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from humanverse.codec import decode_rgb
from humanverse.dataset import create, layout
from humanverse.dataset.extent import Extent
from humanverse.dataset.parquet import parquet_table
from humanverse.dataset.retries import ROWS, Pass, Superseding, read_passes
from humanverse.dataset.views import View, names, read_view
from humanverse.errors import DatasetError
from humanverse.storage import Store
from schemas.layers import KINDS
from schemas.recipe import Recipe

ROWS_AT_ONCE = 256
"""Rows that are Python objects at a time; a shard's tables stay in Arrow's form, which is many times smaller."""


@dataclass(frozen=True, repr=False)
class Sample:
    """One kept picture with what is known about it.

    Attributes:
        uid: its identity.
        shard: the number of the shard that holds it.
        columns: its row of the images table.
        jpeg: the stored bytes.
        layers: ``<kind>`` -> its row of that layer, for the layers that were asked for.
    """

    uid: str
    shard: int
    columns: Mapping[str, Any]
    jpeg: bytes
    layers: Mapping[str, Mapping[str, Any]]

    def __repr__(self) -> str:
        size = f"{self.columns['width']}x{self.columns['height']}"
        return f"Sample({self.uid}, shard {self.shard}, {size}, layers: {', '.join(self.layers) or 'none'})"

    @property
    def image(self) -> np.ndarray:
        """uint8 (height, width, 3), sRGB, upright."""
        return decode_rgb(self.jpeg)


def rows(table: pa.Table) -> Iterator[dict[str, Any]]:
    """The rows of ``table`` as ``to_pylist`` gives them, ``ROWS_AT_ONCE`` in memory at a time."""
    for start in range(0, table.num_rows, ROWS_AT_ONCE):
        yield from table.slice(start, ROWS_AT_ONCE).to_pylist()


class Dataset:
    """A dataset in a folder or bucket, open for reading.

    Args:
        url: a path or any fsspec URL.

    Raises:
        DatasetError: if there is none, or one of a format that this version does not read.
    """

    def __init__(self, url: str) -> None:
        self.store = Store(url)
        self._known_layers: set[str] = set()
        self._listed: list[int] | None = None
        self._superseding: Superseding | None = None
        marker = create.read_json(self.store, layout.MARKER)
        if marker is None:
            raise DatasetError(f"{url} is not a dataset (no {layout.MARKER}): check the path, or build one there")
        create.check_format(self.store, marker)

    def __repr__(self) -> str:
        return f"Dataset({self.store.url!r})"

    @cached_property
    def recipe(self) -> Recipe:
        return create.read_recipe(self.store)

    @cached_property
    def source(self) -> Mapping[str, Any]:
        """What the dataset was made from: kind, files, ``rows`` and ``shard_size``."""
        return create.read_source(self.store)

    @cached_property
    def extent(self) -> Extent:
        """How the source's rows are cut into shards."""
        return Extent.of(self.source)

    @property
    def planned_shards(self) -> int:
        """Shards of the source; numbers from here on are those of supplementary shards."""
        return self.extent.shards

    def passes(self) -> list[Pass]:
        """The retries that were planned so far, in order."""
        return read_passes(self.store)

    def shards(self) -> list[int]:
        """Numbers of the committed shards, as they are now, in order."""
        numbers = sorted(self._numbers(layout.LEDGER))
        self._listed, self._superseding = numbers, None
        return list(numbers)

    def _numbers(self, folder: str) -> Iterator[int]:
        numbers = (layout.shard_number(name) for name in self.store.names(folder))
        return (number for number in numbers if number is not None)

    def layers(self) -> list[str]:
        """``<kind>/<name>`` of every layer."""
        kinds = [kind for kind in self.store.names(layout.LAYERS) if kind in KINDS]
        found = [f"{kind}/{name}" for kind in kinds for name in self.store.names(f"{layout.LAYERS}/{kind}")]
        return [layer for layer in found if self.store.exists(layout.layer_card(layer))]

    def layer_shards(self, layer: str) -> frozenset[int]:
        """Numbers of the shards that have ``<kind>/<name>``; fewer than ``shards()`` while a layer is being added."""
        return frozenset(self._numbers(layout.layer_folder(layer)))

    def layer_card(self, layer: str) -> Mapping[str, Any]:
        """What made the layer: annotator, model, weights, settings, licence, fingerprint, time."""
        return create.read_json(self.store, layout.layer_card(layer)) or {}

    def resolve(self, layer: str) -> str:
        """``pose`` or ``pose/movenet`` as ``<kind>/<name>``.

        Raises:
            DatasetError: if there is no such layer, or a kind has several and none was named.
        """
        if layer in self._known_layers:
            return layer
        there = self.layers()
        self._known_layers.update(there)
        matches = [name for name in there if name == layer or name.partition("/")[0] == layer]
        if len(matches) == 1:
            return matches[0]
        if matches:
            raise DatasetError(f"several layers of kind {layer}: name one of {', '.join(matches)}")
        raise DatasetError(f"no layer {layer} in {self.store.url}: there are {', '.join(there) or 'none'}")

    def _resolve_all(self, layers: Sequence[str]) -> dict[str, str]:
        """``<kind>/<name>`` by kind."""
        names = {self.resolve(layer) for layer in layers}
        by_kind = {name.partition("/")[0]: name for name in sorted(names)}
        if len(by_kind) < len(names):
            raise DatasetError(f"only one layer of a kind can be read at a time, not {', '.join(sorted(names))}")
        return by_kind

    @cached_property
    def tombstones(self) -> frozenset[str]:
        """uids that must never be served, as of the first reading from this dataset."""
        uids: set[str] = set()
        for name in self.store.names(layout.TOMBSTONES):
            if name.endswith(".parquet"):
                uids.update(self._table(f"{layout.TOMBSTONES}/{name}", ["uid"]).column("uid").to_pylist())
        return frozenset(uids)

    @cached_property
    def _dead(self) -> pa.Array:
        return pa.array(sorted(self.tombstones), pa.string())

    def _table(self, path: str, columns: Sequence[str] | None = None) -> pa.Table:
        try:
            return parquet_table(self.store.read(path), columns)
        except FileNotFoundError as error:
            raise DatasetError(f"{self.store.url}/{path} is missing: run humanverse verify") from error
        except ValueError as error:
            raise DatasetError(f"{self.store.url}/{path} is damaged: {error}; run humanverse verify") from error

    def _alive(self, table: pa.Table) -> pa.Table:
        if not self.tombstones:
            return table
        return table.filter(pc.invert(pc.is_in(table.column("uid"), value_set=self._dead)))

    def ledger(self, shard: int, columns: Sequence[str] | None = None) -> pa.Table:
        """The source rows whose final status is in a shard; only ``columns`` of it if they are given.

        Rows that a supplementary shard has superseded are left out: each source row is in the ledger of one shard only.
        The supplementary shards are those that were there when ``shards()`` was last called.
        """
        superseded = self._superseded(shard)
        if not len(superseded):
            return self.ledger_as_written(shard, columns)
        table = self.ledger_as_written(shard, columns if columns is None else sorted({*columns, "row"}))
        table = table.filter(pc.invert(pc.is_in(table.column("row"), value_set=superseded.combine_chunks())))
        return table if columns is None else table.select(list(columns))

    def ledger_as_written(self, shard: int, columns: Sequence[str] | None = None) -> pa.Table:
        """Every row of a shard's ledger, also those that were tried again since."""
        return self._table(layout.ledger(shard), columns)

    def _superseded(self, shard: int) -> pa.ChunkedArray:
        """Source rows of a shard's ledger that are superseded."""
        if self._listed is None:
            self.shards()
        superseding = self._superseding
        if superseding is None:
            superseding = self._superseding = self._read_superseding(self._listed or [])
        if not superseding:
            return pa.chunked_array([], pa.int64())
        own = self.extent.rows_of(shard)
        return superseding.rows(shard, *(superseding.span(shard) or (own.start, own.stop - 1)))

    def _read_superseding(self, committed: Sequence[int]) -> Superseding:
        passes = self.passes()
        counts = frozenset(committed[bisect_left(committed, self.planned_shards) :] if passes else ())
        return Superseding(passes, counts, self.retry_rows)

    def retry_rows(self, shard: int) -> pa.Table:
        """The rows of a supplementary shard: ``row``, and ``shard``, whose ledger row is superseded."""
        return self._table(layout.retry_rows(shard), ROWS.names)

    def images(self, shard: int, columns: Sequence[str] | None = None) -> pa.Table:
        """The samples of a shard, one row each, without tombstoned ones; only ``columns``, with ``uid``, if they are given."""
        return self._alive(self._table(layout.images_table(shard), columns and list(dict.fromkeys(("uid", *columns)))))

    def layer(self, layer: str, shard: int, images: pa.Table | None = None) -> pa.Table:
        """One layer's rows of a shard, aligned with ``images(shard)``.

        Args:
            images: ``images(shard)``, if it is at hand; else it is read.

        Raises:
            DatasetError: if the shard has no such layer, or its rows are not those of the images.
        """
        name = self.resolve(layer)
        table = self._alive(self._table(layout.layer_table(name, shard)))
        expected = self.images(shard) if images is None else images
        if not table.column("uid").equals(expected.column("uid")):
            raise DatasetError(f"layer {name} does not match the images of shard {shard}: run humanverse verify")
        return table

    def _check_served(self, row: Mapping[str, Any]) -> None:
        if row["uid"] in self.tombstones:
            raise DatasetError(f"{row['uid']} was removed from {self.store.url} and is not served")

    def _range(self, path: str, offset: int, size: int) -> bytes:
        try:
            data = self.store.read_range(path, offset, size)
        except FileNotFoundError as error:
            raise DatasetError(f"{self.store.url}/{path} is missing: run humanverse verify") from error
        return self._whole(path, data, size)

    def _whole(self, path: str, data: bytes, size: int) -> bytes:
        if len(data) != size:
            raise DatasetError(f"{self.store.url}/{path} is damaged: it ends early; run humanverse verify")
        return data

    def jpeg(self, shard: int, row: Mapping[str, Any]) -> bytes:
        """The stored bytes of one row of ``images(shard)``, by one range request."""
        self._check_served(row)
        return self._range(layout.images_tar(shard), row["jpg_offset"], row["jpg_size"])

    def map_png(self, layer: str, shard: int, row: Mapping[str, Any]) -> bytes | None:
        """The PNG of one row of a dense layer, by one range request; None where there is no map."""
        self._check_served(row)
        if row["map_offset"] is None:
            return None
        return self._range(layout.layer_tar(self.resolve(layer), shard), row["map_offset"], row["map_size"])

    def views(self) -> list[str]:
        """The names of the views."""
        return names(self.store)

    def view(self, name: str) -> View:
        """The view ``name`` as it is now.

        Raises:
            DatasetError: if there is none, or it is damaged.
        """
        return read_view(self.store, name)

    def samples(
        self, layers: Sequence[str] = (), shards: Sequence[int] | None = None, view: str | View | None = None
    ) -> Iterator[Sample]:
        """Every sample, shard by shard in tar order, with its rows of ``layers``, at most one of a kind.

        Memory is bounded by the tables of one shard; pictures are read one by one.

        Args:
            shards: numbers of those to read; all if not given.
            view: only the samples that this view has.

        Raises:
            DatasetError: if something is damaged, or the view has not seen one of the shards; then before the first sample.
        """
        by_kind = self._resolve_all(layers)
        seen = self.view(view) if isinstance(view, str) else view
        numbers = self.shards() if shards is None else list(shards)
        if seen:
            seen.check_sees(numbers)
        for shard in numbers:
            images = self.images(shard)
            said_of = [self.layer(name, shard, images) for name in by_kind.values()]
            if seen:
                keeps = seen.keeps(shard, images)
                images, said_of = images.filter(keeps), [table.filter(keeps) for table in said_of]
            tables = [rows(table) for table in said_of]
            columns = rows(images)
            for row, jpeg, *said in zip(columns, self._jpegs(shard, images), *tables, strict=True):
                yield Sample(row["uid"], shard, row, jpeg, dict(zip(by_kind, said, strict=True)))

    def _jpegs(self, shard: int, images: pa.Table) -> Iterator[bytes]:
        """The stored bytes of each row of ``images``, in one passage over the tar."""
        path = layout.images_tar(shard)
        places = zip(images.column("jpg_offset").to_pylist(), images.column("jpg_size").to_pylist(), strict=True)
        try:
            with self.store.reading(path) as tar:
                for offset, size in places:
                    tar.seek(offset)
                    yield self._whole(path, tar.read(size), size)
        except FileNotFoundError as error:
            raise DatasetError(f"{self.store.url}/{path} is missing: run humanverse verify") from error

    def __iter__(self) -> Iterator[Sample]:
        return self.samples()

    def count(self, view: str | View | None = None) -> int:
        """The number of samples, of those that a view has if one is given; reads two columns of every images table.

        Raises:
            DatasetError: if something is damaged, or the view has not seen all shards.
        """
        seen = self.view(view) if isinstance(view, str) else view
        numbers, total = self.shards(), 0
        if seen:
            seen.check_sees(numbers)
        for shard in numbers:
            table = self.images(shard, ["row"])
            total += pc.sum(seen.keeps(shard, table)).as_py() or 0 if seen else table.num_rows
        return total

    def __len__(self) -> int:
        """The number of samples; reads two columns of every images table."""
        return self.count()

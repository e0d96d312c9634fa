"""Read a dataset: its shards, tables, pictures and layers. The one way out for data; tombstoned samples never leave here."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from humanverse.codec import decode_rgb
from humanverse.dataset import create, layout
from humanverse.errors import DatasetError, one_line
from humanverse.storage import Store
from schemas.layers import KINDS
from schemas.recipe import Recipe


@dataclass(frozen=True)
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

    @property
    def image(self) -> np.ndarray:
        """uint8 (height, width, 3), sRGB, upright."""
        return decode_rgb(self.jpeg)


class Dataset:
    """A dataset in a folder or bucket, open for reading.

    Args:
        url: a path or any fsspec URL.

    Raises:
        DatasetError: if there is none, or one of a format that this version does not read.
    """

    def __init__(self, url: str) -> None:
        self.store = Store(url)
        marker = create.read_json(self.store, layout.MARKER)
        if marker is None:
            raise DatasetError(f"{url} is not a dataset (no {layout.MARKER}): check the path, or build one there")
        create.check_format(self.store, marker)

    @cached_property
    def recipe(self) -> Recipe:
        return create.read_recipe(self.store)

    @cached_property
    def source(self) -> Mapping[str, Any]:
        """What the dataset was made from: kind, files, ``rows`` and ``shard_size``."""
        source = create.read_json(self.store, layout.SOURCE)
        if not isinstance(source, dict) or "rows" not in source:
            raise DatasetError(f"{self.store.url}/{layout.SOURCE} is missing or damaged")
        return source

    @property
    def planned_shards(self) -> int:
        return -(-int(self.source["rows"]) // int(self.source["shard_size"]))

    def shards(self) -> list[int]:
        """Numbers of the committed shards, as they are now, in order."""
        numbers = (layout.shard_number(name) for name in self.store.names(layout.LEDGER))
        return sorted(number for number in numbers if number is not None)

    def layers(self) -> list[str]:
        """``<kind>/<name>`` of every layer."""
        kinds = [kind for kind in self.store.names(layout.LAYERS) if kind in KINDS]
        found = [f"{kind}/{name}" for kind in kinds for name in self.store.names(f"{layout.LAYERS}/{kind}")]
        return [layer for layer in found if self.store.exists(layout.layer_card(layer))]

    def layer_shards(self, layer: str) -> frozenset[int]:
        """Numbers of the shards that have ``<kind>/<name>``; fewer than ``shards()`` while a layer is being added."""
        numbers = (layout.shard_number(name) for name in self.store.names(layout.layer_folder(layer)))
        return frozenset(number for number in numbers if number is not None)

    def layer_card(self, layer: str) -> Mapping[str, Any]:
        """What made the layer: annotator, model, weights, settings, licence, fingerprint, time."""
        return create.read_json(self.store, layout.layer_card(layer)) or {}

    def resolve(self, layer: str) -> str:
        """``pose`` or ``pose/movenet`` as ``<kind>/<name>``.

        Raises:
            DatasetError: if there is no such layer, or a kind has several and none was named.
        """
        there = self.layers()
        matches = [name for name in there if name == layer or name.partition("/")[0] == layer]
        if len(matches) == 1:
            return matches[0]
        if matches:
            raise DatasetError(f"several layers of kind {layer}: name one of {', '.join(matches)}")
        raise DatasetError(f"no layer {layer} in {self.store.url}: there are {', '.join(there) or 'none'}")

    @cached_property
    def tombstones(self) -> frozenset[str]:
        """uids that must never be served, as of the opening of this dataset."""
        uids: set[str] = set()
        for name in self.store.names(layout.TOMBSTONES):
            if name.endswith(".parquet"):
                uids.update(self._table(f"{layout.TOMBSTONES}/{name}", ["uid"]).column("uid").to_pylist())
        return frozenset(uids)

    def _table(self, path: str, columns: Sequence[str] | None = None) -> pa.Table:
        try:
            return pq.read_table(io.BytesIO(self.store.read(path)), columns=columns)
        except FileNotFoundError as error:
            raise DatasetError(f"{self.store.url}/{path} is missing: run humanverse verify") from error
        except (pa.ArrowException, OSError) as error:
            raise DatasetError(f"{self.store.url}/{path} is damaged: {one_line(error)}") from error

    def _alive(self, table: pa.Table) -> pa.Table:
        if not self.tombstones:
            return table
        dead = pc.is_in(table.column("uid"), value_set=pa.array(sorted(self.tombstones), pa.string()))
        return table.filter(pc.invert(dead))

    def ledger(self, shard: int) -> pa.Table:
        """Every source row of a shard with its final status."""
        return self._table(layout.ledger(shard))

    def images(self, shard: int) -> pa.Table:
        """The samples of a shard, one row each, without tombstoned ones."""
        return self._alive(self._table(layout.images_table(shard)))

    def layer(self, layer: str, shard: int) -> pa.Table:
        """One layer's rows of a shard, aligned with ``images(shard)``.

        Raises:
            DatasetError: if the shard has no such layer, or its rows are not those of the images.
        """
        name = self.resolve(layer)
        table = self._alive(self._table(layout.layer_table(name, shard)))
        if not table.column("uid").equals(self.images(shard).column("uid")):
            raise DatasetError(f"layer {name} does not match the images of shard {shard}: run humanverse verify")
        return table

    def jpeg(self, shard: int, row: Mapping[str, Any]) -> bytes:
        """The stored bytes of one row of ``images(shard)``, by one range request."""
        return self.store.read_range(layout.images_tar(shard), row["jpg_offset"], row["jpg_size"])

    def map_png(self, layer: str, shard: int, row: Mapping[str, Any]) -> bytes | None:
        """The PNG of one row of a dense layer, by one range request; None where there is no map."""
        if row["map_offset"] is None:
            return None
        return self.store.read_range(layout.layer_tar(self.resolve(layer), shard), row["map_offset"], row["map_size"])

    def samples(self, layers: Sequence[str] = (), shards: Sequence[int] | None = None) -> Iterator[Sample]:
        """Every sample, shard by shard in tar order, with its rows of ``layers``; memory is bounded by one shard."""
        for shard in self.shards() if shards is None else shards:
            rows = self.images(shard).to_pylist()
            tables = {name.partition("/")[0]: self.layer(name, shard).to_pylist() for name in layers}
            tar = self.store.read(layout.images_tar(shard)) if rows else b""
            for index, row in enumerate(rows):
                jpeg = tar[row["jpg_offset"] : row["jpg_offset"] + row["jpg_size"]]
                said = {kind: table[index] for kind, table in tables.items()}
                yield Sample(row["uid"], shard, row, jpeg, said)

    def __iter__(self) -> Iterator[Sample]:
        return self.samples()

    def __len__(self) -> int:
        """The number of samples; reads every images table."""
        return sum(self.images(shard).num_rows for shard in self.shards())

"""A committed shard as a further layer is made for it: its rows as they are written, and the layer's way in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

from humanverse.dataset import layout
from humanverse.dataset.commit import write_layer
from humanverse.dataset.generations import Gone
from humanverse.dataset.reader import Dataset
from humanverse.errors import DatasetError
from schemas.layers import KINDS


class Rewritten(DatasetError):
    """The shard was rewritten meanwhile."""


@dataclass(frozen=True)
class Target:
    """One committed shard.

    Attributes:
        dataset: that it is of.
        number: of the shard.
        generation: of its files, when this was opened.
        images: its images table as written, tombstoned samples too, so that a layer's rows are as many.
    """

    dataset: Dataset
    number: int
    generation: int
    images: pa.Table

    @classmethod
    def open(cls, dataset: Dataset, number: int) -> Target:
        """The shard as it is now.

        Raises:
            DatasetError: if its table is missing or damaged.
        """
        images = dataset.images_as_written(number)
        return cls(dataset, number, dataset.generation(number), images)

    @cached_property
    def forgotten(self) -> np.ndarray:
        """bool (n,): samples that must not be looked at."""
        return self.dataset.forgotten.names(self.images)

    def layer(self, layer: str) -> pa.Table:
        """The rows of another layer, aligned with ``images``.

        Raises:
            DatasetError: if the shard has no such layer, or its rows are not those of the images.
        """
        try:
            return self.dataset.layer(layer, self.number, self.images)
        except Gone as error:
            command = self.dataset.annotate_command(layer)
            raise DatasetError(f"it has no layer {layer}: run {command} first") from error

    def needed(self, layer: str, positions: Sequence[int] | None = None) -> pa.Table:
        """The rows of another layer as an annotator is given them: of a dense kind with the maps' PNGs in a column ``map``.

        Args:
            positions: of the rows that are wanted, rising; all if not given.

        Raises:
            DatasetError: as ``layer``; if a map is missing or damaged.
        """
        table = self.layer(layer) if positions is None else self.layer(layer).take(positions)
        if not KINDS[layer.partition("/")[0]].dense:
            return table
        pngs = self.dataset.map_pngs(layer, self.number, table)
        return table.append_column("map", pa.array(list(pngs), pa.large_binary()))

    def jpegs(self) -> Iterator[bytes | None]:
        """The stored bytes of each row in one passage over the tar; None for what is forgotten."""
        gone = self.forgotten
        found = self.dataset.jpegs(self.number, self.images.filter(pa.array(~gone)) if gone.any() else self.images)
        for missing in gone:
            yield None if missing else next(found)

    def publish(self, layer: str, table: pa.Table) -> int:
        """Write the shard's rows of ``layer``, and with that commit them.

        Args:
            layer: ``<kind>/<name>``, declared.
            table: as ``humanverse.dataset.commit.write_layer`` takes it.

        Returns:
            Bytes written.

        Raises:
            Rewritten: if the shard has other rows by now.
        """
        store = self.dataset.store
        self._check(())
        write_layer(store, layer, self.number, table, self.generation)
        written = [layout.layer_table(layer, self.number, self.generation)]
        if KINDS[layer.partition("/")[0]].dense:
            written.append(layout.layer_tar(layer, self.number, self.generation))
        self._check(written)
        return sum(store.size(path) for path in written)

    def _check(self, written: Sequence[str]) -> None:
        """Refuse a shard that has other rows by now; what was ``written`` for the old ones goes, if ``compact`` has left it."""
        if not self._rewritten():
            return
        store = self.dataset.store
        for path in written:
            if store.exists(path):
                store.remove(path)
        raise Rewritten(f"it was compacted meanwhile: run the same command again ({store.url})")

    def _rewritten(self) -> bool:
        exists = self.dataset.store.exists
        own, next_one = (layout.ledger(self.number, self.generation + step) for step in (0, 1))
        return exists(next_one) or not exists(own)

"""What the tables of a dataset say about the samples of a batch. The tables of some shards stay in memory, in Arrow's form."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from humanverse.dataset.reader import Dataset
from humanverse.loading.cached import LATENT, PROMPT
from humanverse.loading.dense import DENSE
from humanverse.loading.settings import CAPTION, POSE, kind_of
from schemas.layers import MAP
from schemas.skeletons import WHOLEBODY

IMAGES = (
    "row", "caption", "width", "height", "original_width", "original_height", "jpg_offset", "jpg_size",
)  # fmt: skip
KEYPOINTS = "keypoints"
_OF_KIND = {
    POSE: ("status", "reason", KEYPOINTS),
    CAPTION: ("status", "text"),
    **{kind: ("status", "reason", *(field.name for field in MAP), *dense.columns) for kind, dense in DENSE.items()},
    LATENT: ("status", "reason", "map_offset", "map_size", "bucket_width", "bucket_height"),
    PROMPT: ("status", "reason", "map_offset", "map_size", "text"),
}
"""The columns of a layer that training needs, by its kind."""


@dataclass(frozen=True)
class Facts:
    """What is known of a sample.

    Attributes:
        uid: its identity.
        shard: that holds it.
        image: its row of the images table.
        layers: ``<kind>/<name>`` -> its row of that layer, ``keypoints`` left out.
        keypoints: float32 (people, 133, 3), if a pose layer is read and says something.
    """

    uid: str
    shard: int
    image: Mapping[str, Any]
    layers: Mapping[str, Mapping[str, Any]]
    keypoints: np.ndarray | None


@dataclass(frozen=True)
class _Shard:
    images: pa.Table
    rows: np.ndarray
    layers: Mapping[str, pa.Table]


class Tables:
    """The tables of a dataset, for one thread.

    Args:
        dataset: open for reading.
        layers: ``<kind>/<name>`` of those to read.
        kept: of how many shards the tables stay in memory.
    """

    def __init__(self, dataset: Dataset, layers: Sequence[str], kept: int) -> None:
        self._dataset, self._layers, self._kept = dataset, tuple(layers), kept
        self._held: OrderedDict[int, _Shard] = OrderedDict()

    def facts(self, shards: np.ndarray, rows: np.ndarray) -> list[Facts | None]:
        """What is known of samples, None of one that is not there any more.

        Args:
            shards: int64 (n,), the shard of each sample.
            rows: int64 (n,), the source row of each.
        """
        found: list[Facts | None] = [None] * len(rows)
        for shard in dict.fromkeys(shards.tolist()):
            asked = np.flatnonzero(shards == shard)
            for place, facts in zip(asked, self._of_shard(shard, rows[asked]), strict=True):
                found[place] = facts
        dead = self._dataset.tombstones
        return [None if item is None or item.uid in dead else item for item in found]

    def drop(self, shards: Iterable[int]) -> None:
        """Read the tables of ``shards`` anew when they are needed again."""
        for shard in shards:
            self._held.pop(shard, None)

    def _of_shard(self, shard: int, rows: np.ndarray) -> list[Facts | None]:
        held = self._shard(shard)
        at = np.searchsorted(held.rows, rows)
        there = np.flatnonzero(held.rows[np.minimum(at, len(held.rows) - 1)] == rows) if len(held.rows) else at[:0]
        positions = at[there]
        images = held.images.take(pa.array(positions)).to_pylist()
        said = {layer: _said(table, positions) for layer, table in held.layers.items()}
        people = _people(held.layers, positions)
        found: list[Facts | None] = [None] * len(rows)
        for number, place in enumerate(there):
            told = {layer: rows_of[number] for layer, rows_of in said.items()}
            found[place] = Facts(images[number]["uid"], shard, images[number], told, people[number])
        return found

    def _shard(self, shard: int) -> _Shard:
        if shard in self._held:
            self._held.move_to_end(shard)
            return self._held[shard]
        images = self._dataset.images(shard, IMAGES)
        whole = {}
        for layer in self._layers:
            columns = _OF_KIND[kind_of(layer)]
            whole[layer] = self._dataset.layer(layer, shard, images, columns)
        rows = images.column("row").to_numpy()
        order = np.argsort(rows, kind="stable")
        if (order[1:] < order[:-1]).any():
            rows, images = rows[order], images.take(pa.array(order))
            whole = {layer: table.take(pa.array(order)) for layer, table in whole.items()}
        self._held[shard] = _Shard(images, rows, whole)
        while len(self._held) > self._kept:
            self._held.popitem(last=False)
        return self._held[shard]


def _said(table: pa.Table, positions: np.ndarray) -> list[dict[str, Any]]:
    """Rows of a layer, ``keypoints`` left out."""
    names = [name for name in table.column_names if name != KEYPOINTS]
    return table.select(names).take(pa.array(positions)).to_pylist()


def _people(layers: Mapping[str, pa.Table], positions: np.ndarray) -> list[np.ndarray | None]:
    """The keypoints of each position, without a Python object for every number."""
    poses = next((table for layer, table in layers.items() if kind_of(layer) == POSE), None)
    if poses is None:
        return [None] * len(positions)
    column = poses.column(KEYPOINTS).combine_chunks()
    column = column if isinstance(column, pa.ListArray) else column.chunk(0)
    starts = column.offsets.to_numpy()
    numbers = column.values.flatten().to_numpy(zero_copy_only=False).reshape(-1, len(WHOLEBODY), 3)
    known = column.is_valid().to_numpy(zero_copy_only=False)
    return [numbers[starts[at] : starts[at + 1]] if known[at] else None for at in positions]

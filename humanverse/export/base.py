"""What an export is made of: what is asked for, what is read, and what each format must be able to do."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa

from humanverse.dataset.reader import Dataset
from humanverse.dataset.selection import Selection
from humanverse.storage import Store

PLACES = frozenset({"jpg_offset", "jpg_size", "map_offset", "map_size"})
"""Columns that say where something lies in the dataset's tars: of no use elsewhere, so no export has them."""

OPTIONS = ("min_confidence", "min_score", "licence")
"""Settings that not every format heeds."""

LISTING = pa.schema(
    [
        pa.field("uid", pa.string(), nullable=False),
        pa.field("shard", pa.int64(), nullable=False),
        pa.field("row", pa.int64(), nullable=False),
        pa.field("file", pa.string(), nullable=False),
        pa.field("jpg_sha256", pa.string(), nullable=False),
    ]
)
"""One row per exported sample: its identity, shard and source row, the file of the export that has its picture, and the
SHA-256 of the dataset's picture."""


@dataclass(frozen=True)
class Settings:
    """What a user asks for.

    Attributes:
        view: only the samples that this view has.
        layers: ``<kind>`` or ``<kind>/<name>``; None for those that the view names, or else that there is no choice about.
        blur_faces: whether faces are made unrecognisable.
        min_confidence: COCO: keypoints of a higher confidence are labelled; None for 0.
        min_score: COCO: people of a lower score have no annotation; None for the gate's ``person_score``, and for no limit
            where the layer is ground truth.
        licence: Hugging Face: of the whole, as its hub names it; None for ``other``.
    """

    view: str | None = None
    layers: tuple[str, ...] | None = None
    blur_faces: bool = False
    min_confidence: float | None = None
    min_score: float | None = None
    licence: str | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            "view": self.view,
            "layers": None if self.layers is None else sorted(self.layers),
            "blur_faces": self.blur_faces,
            "min_confidence": self.min_confidence,
            "min_score": self.min_score,
            "licence": self.licence,
        }


@dataclass(frozen=True)
class Plan:
    """What is exported, resolved.

    Attributes:
        selection: what the view has; what it names does not change any more.
        layers: kind -> ``<kind>/<name>``, those that are read.
        cards: kind -> ``layer.json``.
        columns: the images table's, in order, without ``PLACES``.
    """

    dataset: Dataset
    settings: Settings
    selection: Selection
    layers: Mapping[str, str]
    cards: Mapping[str, Mapping[str, Any]]
    columns: pa.Schema

    @property
    def kinds(self) -> tuple[str, ...]:
        """Of the layers."""
        return tuple(self.layers)


@dataclass(frozen=True)
class Item:
    """One sample on its way into an export.

    Attributes:
        columns: its row of the images table.
        layers: kind -> its row of that layer.
        jpeg: the picture's bytes.
        maps: kind -> the PNG of its dense map, where it has one.
    """

    uid: str
    shard: int
    columns: Mapping[str, Any]
    layers: Mapping[str, Mapping[str, Any]]
    jpeg: bytes
    maps: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class Written:
    """What an export has of one shard.

    Attributes:
        listed: ``LISTING``, in the dataset's order.
        left_out: samples that are not exported, since nothing is known of their faces.
    """

    shard: int
    listed: pa.Table
    left_out: int = 0


class Tally:
    """Notes what is exported of one shard."""

    def __init__(self, shard: int) -> None:
        self._shard, self._left_out = shard, 0
        self._rows: list[tuple[str, int, str, str]] = []

    def add(self, item: Item, file: str) -> None:
        """``item`` is exported, its picture in ``file``."""
        self._rows.append((item.uid, item.columns["row"], file, item.columns["jpg_sha256"]))

    def leave_out(self) -> None:
        """A sample is not, since nothing is known of its faces."""
        self._left_out += 1

    @property
    def written(self) -> Written:
        """All that was noted."""
        uids, rows, files, digests = zip(*self._rows, strict=True) if self._rows else ((), (), (), ())
        columns = [uids, [self._shard] * len(uids), rows, files, digests]
        arrays = [pa.array(column, item.type) for column, item in zip(columns, LISTING, strict=True)]
        return Written(self._shard, pa.table(arrays, schema=LISTING), self._left_out)


@dataclass
class Totals:
    """Figures of a whole export.

    Attributes:
        samples: that are exported.
        left_out: samples that are not, since nothing is known of their faces.
    """

    samples: int = 0
    left_out: int = 0


class Exporter(ABC):
    """One format. An instance serves one run; ``write`` and ``keep`` are called from several threads."""

    name: ClassVar[str]
    version: ClassVar[int]
    """Raised when it writes other files for the same samples."""
    takes: ClassVar[frozenset[str] | None]
    """Kinds of layers that it can carry; None for all."""
    needs: ClassVar[tuple[str, ...]]
    """Kinds of layers without which it is nothing."""
    options: ClassVar[frozenset[str]]
    """Of the settings in ``OPTIONS``, those that it heeds."""
    folder: ClassVar[str]
    """Where the files with pictures lie, relative to the export."""
    owned: ClassVar[re.Pattern[str]]
    """The names of these files: what fits and is not listed any more is deleted."""

    @abstractmethod
    def __init__(self, plan: Plan, out: Store, scratch: Path) -> None:
        """``scratch`` is a local folder for this run."""

    @abstractmethod
    def write(self, shard: int) -> Written:
        """Write what has changed of a shard."""

    @abstractmethod
    def keep(self, shard: int) -> Written:
        """What the export has of a shard that has not changed; no picture is read."""

    @abstractmethod
    def finish(self, shards: Sequence[int], totals: Totals) -> None:
        """Write what is about all shards."""

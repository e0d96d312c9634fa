"""Which samples a training run has: shard, source row and bucket of each, frozen for as long as the run goes on.

About five bytes per sample, in memory and in one file of arrays. What is forgotten after it was made keeps its place in the order
and is passed over when it is read.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

from humanverse.dataset.selection import Selection
from humanverse.errors import DatasetError, UserError
from humanverse.loading.buckets import Size, assign
from humanverse.storage import Store

FORMAT = 1
_READERS = 8
_ARRAYS = ("shards", "starts", "first_rows", "rows", "buckets", "sizes")
_VIEW = "view"


@dataclass(frozen=True)
class Index:
    """The samples of a run, in shard order and in a shard by source row.

    Attributes:
        shards: int64 (s,), ascending.
        starts: int64 (s + 1,), where the samples of each shard begin; the last is their number.
        first_rows: int64 (s,), the lowest source row of each shard.
        rows: uint32 (n,), each sample's source row less its shard's lowest.
        buckets: uint8 (n,), each sample's bucket.
        sizes: int64 (b, 2), width and height of each bucket.
        view: its name, empty for all samples; None of an index that was made before this was kept.
    """

    shards: np.ndarray
    starts: np.ndarray
    first_rows: np.ndarray
    rows: np.ndarray
    buckets: np.ndarray
    sizes: np.ndarray
    view: str | None = None

    def __len__(self) -> int:
        return int(self.starts[-1])

    @cached_property
    def counts(self) -> np.ndarray:
        """int64 (s, b): samples of each shard in each bucket."""
        found = [
            np.bincount(self.buckets[start:end], minlength=len(self.sizes))
            for start, end in zip(self.starts[:-1], self.starts[1:], strict=True)
        ]
        return np.array(found, np.int64).reshape(len(self.shards), len(self.sizes))

    @cached_property
    def digest(self) -> str:
        """Hex digits that tell this index from others."""
        hashed = hashlib.sha256()
        for name in _ARRAYS:
            hashed.update(np.ascontiguousarray(getattr(self, name)).data)
        return hashed.hexdigest()[:32]

    def places(self, samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Shard and source row of ``samples``, int64 (k,) both."""
        at = np.searchsorted(self.starts, samples, side="right") - 1
        return self.shards[at], self.first_rows[at] + self.rows[samples].astype(np.int64)


def build_index(selection: Selection, buckets: Sequence[Size], shards: Sequence[int]) -> Index:
    """The index of what a view has of ``shards``, ascending; eight of their tables are read at a time.

    Raises:
        DatasetError: if a table is damaged, or there is no sample.
    """
    with ThreadPoolExecutor(_READERS) as pool:
        tables = pool.map(lambda shard: _rows_of(selection, shard, buckets), shards)
        found = [(shard, *part) for shard, part in zip(shards, tables, strict=True) if len(part[0])]
    if not found:
        raise DatasetError(f"{selection.what} has no samples: choose another view, or build the dataset")
    numbers, rows, own = zip(*found, strict=True)
    first = np.array([part[0] for part in rows], np.int64)
    offsets = [part - part[0] for part in rows]
    if max(int(part[-1]) for part in offsets) >= 1 << 32:
        raise DatasetError(f"{selection.what}: a shard holds rows that lie more than 2^32 apart: run humanverse verify")
    return Index(
        shards=np.array(numbers, np.int64),
        starts=np.concatenate([[0], np.cumsum([len(part) for part in rows])]).astype(np.int64),
        first_rows=first,
        rows=np.concatenate(offsets).astype(np.uint32),
        buckets=np.concatenate(own),
        sizes=np.array(buckets, np.int64),
        view=view_of(selection),
    )


def view_of(selection: Selection) -> str:
    """The name of its view, empty for all samples."""
    return selection.view.name if selection.view else ""


def _rows_of(selection: Selection, shard: int, buckets: Sequence[Size]) -> tuple[np.ndarray, np.ndarray]:
    """Source rows, ascending, and buckets of what a view has of a shard."""
    table: pa.Table = selection.read(shard, ["row", "width", "height"]).images
    rows, widths, heights = (table.column(name).to_numpy() for name in ("row", "width", "height"))
    order = np.argsort(rows, kind="stable")
    return rows[order].astype(np.int64), assign(widths[order], heights[order], buckets)


def _split(path: str) -> tuple[Store, str]:
    folder, _, name = path.rpartition("/")
    return Store(folder or "."), name


def save_index(index: Index, path: str) -> None:
    """Write ``index`` to ``path`` (any fsspec URL), at once."""
    store, name = _split(path)
    header = io.BytesIO()
    arrays = {item: np.ascontiguousarray(getattr(index, item)) for item in _ARRAYS}
    arrays |= {} if index.view is None else {_VIEW: np.array(index.view)}
    np.savez(header, format=np.array(FORMAT), **arrays)  # type: ignore[arg-type]
    store.write(name, header.getvalue())


def load_index(path: str) -> Index | None:
    """The index at ``path``; None if there is none.

    Raises:
        UserError: if it is damaged, or of another version.
    """
    store, name = _split(path)
    try:
        with np.load(io.BytesIO(store.read(name)), allow_pickle=False) as held:
            if int(held["format"]) != FORMAT:
                raise UserError(f"{path} is an index of another version: delete it, and start the run anew")
            view = str(held[_VIEW]) if _VIEW in held else None
            return Index(**{item: held[item] for item in _ARRAYS}, view=view)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise UserError(f"{path} is no index, or damaged: delete it, and start the run anew") from error

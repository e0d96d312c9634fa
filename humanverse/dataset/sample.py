"""One sample as a reader gives it, and the rows of a table as Python objects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from humanverse.codec import decode_rgb

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

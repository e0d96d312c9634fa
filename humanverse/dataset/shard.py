"""A shard on its way through a build: its ledger, its kept pictures, and the layers made so far, as Arrow tables."""

from __future__ import annotations

from dataclasses import dataclass, field

import pyarrow as pa

LEDGER_TABLE = "ledger"
IMAGES_TABLE = "images"


@dataclass
class Shard:
    """One shard in memory.

    Attributes:
        number: position among the shards of the source.
        ledger: one row per source row, ``schemas.ledger.SCHEMA``.
        images: one row per kept sample: the columns of ``schemas.images``, the source's further columns,
            and ``schemas.images.JPEG``, the stored bytes. ``jpg_offset`` and ``jpg_size`` are 0 until they are written.
        layers: ``<kind>/<name>`` -> that layer's rows, as many and in the same order; dense kinds have a further column
            ``map`` (large_binary): the PNG, or null.
    """

    number: int
    ledger: pa.Table
    images: pa.Table
    layers: dict[str, pa.Table] = field(default_factory=dict)

    @property
    def uids(self) -> list[str]:
        return self.images.column("uid").to_pylist()

    def pack(self) -> dict[str, pa.Buffer]:
        """Every table as one buffer of Arrow's stream format, by name."""
        tables = {LEDGER_TABLE: self.ledger, IMAGES_TABLE: self.images, **self.layers}
        return {name: _pack(table) for name, table in tables.items()}

    @classmethod
    def unpack(cls, number: int, buffers: dict[str, pa.Buffer]) -> Shard:
        """The shard that ``pack`` gave; tables refer to the buffers, nothing is copied."""
        tables = {name: _unpack(buffer) for name, buffer in buffers.items()}
        return cls(number, tables.pop(LEDGER_TABLE), tables.pop(IMAGES_TABLE), tables)


def _pack(table: pa.Table) -> pa.Buffer:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def _unpack(buffer: pa.Buffer) -> pa.Table:
    with pa.ipc.open_stream(buffer) as reader:
        return reader.read_all()

"""A shard on its way through a build: its ledger, its kept pictures, and the layers made so far, as Arrow tables.

Between stages it travels as one row of one Arrow table, so that a block of the engine is a shard and stays one.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pyarrow as pa

LEDGER_TABLE = "ledger"
IMAGES_TABLE = "images"

BLOCK = pa.schema(
    [
        pa.field("number", pa.int64()),
        pa.field("names", pa.list_(pa.string())),
        pa.field("tables", pa.large_list(pa.large_binary())),
    ]
)


@dataclass
class Shard:
    """One shard in memory.

    Attributes:
        number: position among the shards of the source.
        ledger: one row per source row, ``schemas.ledger.SCHEMA``.
        images: one row per kept sample: the columns of ``schemas.images``, the source's further columns,
            and ``jpeg`` (large_binary), the stored bytes. ``jpg_offset`` and ``jpg_size`` are 0 until they are written.
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

    def to_block(self) -> pa.Table:
        tables = {LEDGER_TABLE: self.ledger, IMAGES_TABLE: self.images, **self.layers}
        row = {
            "number": [self.number],
            "names": [list(tables)],
            "tables": [[_pack(table) for table in tables.values()]],
        }
        return pa.table(row, schema=BLOCK)

    @classmethod
    def from_block(cls, block: pa.Table) -> Shard:
        names = block.column("names")[0].as_py()
        cells = block.column("tables")[0].values
        tables = {name: _unpack(cells[index].as_buffer()) for index, name in enumerate(names)}
        return cls(
            number=block.column("number")[0].as_py(),
            ledger=tables.pop(LEDGER_TABLE),
            images=tables.pop(IMAGES_TABLE),
            layers=tables,
        )


def _pack(table: pa.Table) -> pa.Buffer:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def _unpack(buffer: pa.Buffer) -> pa.Table:
    with pa.ipc.open_stream(buffer) as reader:
        return reader.read_all()

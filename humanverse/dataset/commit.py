"""Write one finished shard: layers, then the images' tar, then the images' table, then the ledger, which commits it."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from humanverse.dataset import layout, tar
from humanverse.dataset.parquet import parquet_bytes
from humanverse.dataset.shard import Shard
from humanverse.storage import Store
from schemas.images import JPEG
from schemas.layers import KINDS


def write_tar(store: Store, path: str, names: list[str], contents: pa.ChunkedArray) -> list[tar.Member | None]:
    """A tar of ``contents`` (binary, null where there is nothing to store) under ``names``; the place of each, or None."""
    there = [index for index, content in enumerate(contents) if content.is_valid]
    with store.writing(path) as scratch, scratch.open("wb") as file:
        members = tar.write(file, ((names[index], contents[index].as_py()) for index in there))
    places: list[tar.Member | None] = [None] * len(names)
    for index, member in zip(there, members, strict=True):
        places[index] = member
    return places


def placed(table: pa.Table, what: str, members: Sequence[tar.Member | None]) -> pa.Table:
    """``table`` with the places of its ``members`` in ``<what>_offset`` and ``<what>_size``."""
    for name in ("offset", "size"):
        index = table.schema.get_field_index(f"{what}_{name}")
        values = [getattr(member, name) if member else None for member in members]
        table = table.set_column(index, table.schema.field(index), pa.array(values, table.schema.field(index).type))
    return table


def write_layer(store: Store, layer: str, number: int, table: pa.Table, generation: int = 0) -> None:
    """One shard of one layer: for a dense kind its tar first; the table comes last and commits it.

    Args:
        generation: that of the shard's images.
    """
    kind = KINDS[layer.partition("/")[0]]
    if kind.dense:
        names = [f"{uid}.{kind.suffix}" for uid in table.column("uid").to_pylist()]
        places = write_tar(store, layout.layer_tar(layer, number, generation), names, table.column("map"))
        table = placed(table.drop_columns(["map"]), "map", places)
    store.write(layout.layer_table(layer, number, generation), parquet_bytes(table))


def _write_images(store: Store, shard: Shard) -> None:
    names = [f"{uid}.{layout.IMAGE_SUFFIX}" for uid in shard.uids]
    places = write_tar(store, layout.images_tar(shard.number), names, shard.images.column(JPEG.name))
    table = placed(shard.images.drop_columns([JPEG.name]), "jpg", places)
    store.write(layout.images_table(shard.number), parquet_bytes(table))


def commit(store: Store, shard: Shard) -> None:
    """Write ``shard``. Killed at any moment, it is either committed or will be written again, with the same bytes."""
    for layer, table in shard.layers.items():
        write_layer(store, layer, shard.number, table)
    _write_images(store, shard)
    store.write(layout.ledger(shard.number), parquet_bytes(shard.ledger))

"""A folder that Hugging Face's ``datasets`` loads and its hub shows: Parquet with the pictures inside, card, Croissant."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.parquet as pq

from humanverse.dataset.layout import shard_name
from humanverse.export import card, croissant, reading
from humanverse.export.base import PLACES, Exporter, Item, Plan, Tally, Totals, Written
from humanverse.export.features import IMAGE, with_features
from humanverse.storage import Store
from schemas.layers import KINDS

ROWS_AT_ONCE = 64
BYTES_AT_ONCE = 32_000_000
"""Of pictures in one row group; a single larger one may be more."""


def layer_column(kind: str) -> str:
    """The column with a layer's rows: ``caption`` alone is the source's alt text."""
    return f"layer_{kind}"


def map_column(kind: str) -> str:
    """The column with a dense layer's PNG."""
    return f"map_{kind}"


def names(plan: Plan) -> dict[str, str]:
    """The images columns' names -> those in the export; what has a name of ours becomes ``source_<name>``."""
    ours = {"image", *(name(kind) for kind in plan.kinds for name in (layer_column, map_column))}
    return {name: f"source_{name}" if name in ours else name for name in plan.columns.names}


def schema(plan: Plan) -> pa.Schema:
    """``image``, the images columns, then per layer a struct of its columns, and its map."""
    fields = [pa.field("image", IMAGE)]
    fields += [pa.field(name, plan.columns.field(ours).type) for ours, name in names(plan).items()]
    for kind in plan.kinds:
        said = [item.with_nullable(True) for item in KINDS[kind].schema if item.name not in {*PLACES, "uid"}]
        fields.append(pa.field(layer_column(kind), pa.struct(said)))
        if KINDS[kind].dense:
            fields.append(pa.field(map_column(kind), IMAGE))
    return with_features(pa.schema(fields))


class HuggingFace(Exporter):
    """``data/train-000000.parquet`` per shard, ``README.md`` and ``croissant.json``."""

    name = "hf"
    version = 1
    takes = None
    needs = ()
    options: ClassVar[frozenset[str]] = frozenset({"licence"})
    folder = "data"
    owned = re.compile(r"train-[0-9]{6,}\.parquet")

    def __init__(self, plan: Plan, out: Store, scratch: Path) -> None:
        self._plan, self._out = plan, out
        self._schema, self._names = schema(plan), names(plan)

    def write(self, shard: int) -> Written:
        file = self._file(shard)
        tally = Tally(shard)

        def known() -> Iterator[Item]:
            for item in reading.whole(self._plan, shard):
                if item is None:
                    tally.leave_out()
                else:
                    tally.add(item, file)
                    yield item

        with self._out.writing(file) as scratch:
            self._write(scratch, known())
        return tally.written

    def _write(self, path: Path, items: Iterator[Item]) -> None:
        options = {"compression": _compression(self._schema), "use_dictionary": False, "write_page_checksum": True}
        with pq.ParquetWriter(path, self._schema, **options) as writer:
            for group in _groups(items):
                writer.write_table(pa.Table.from_pylist([self._row(item) for item in group], schema=self._schema))

    def _row(self, item: Item) -> dict[str, Any]:
        row: dict[str, Any] = {self._names[name]: v for name, v in reading.as_exported(self._plan, item).items()}
        row["image"] = {"bytes": item.jpeg, "path": f"{item.uid}.jpg"}
        for kind in self._plan.kinds:
            row[layer_column(kind)] = item.layers[kind]
            if kind in item.maps:
                row[map_column(kind)] = {"bytes": item.maps[kind], "path": f"{item.uid}.{KINDS[kind].suffix}"}
        return row

    def keep(self, shard: int) -> Written:
        return reading.kept(self._plan, shard, self._file(shard))

    def finish(self, shards: Sequence[int], totals: Totals) -> None:
        page = card.page(self._plan, self._schema, shards, totals)
        self._out.write("README.md", page.encode())
        told = croissant.metadata(self._plan, self._schema, totals, datetime.now(UTC).date().isoformat())
        self._out.write("croissant.json", (json.dumps(told, ensure_ascii=False, indent=1) + "\n").encode())

    def _file(self, shard: int) -> str:
        return f"{self.folder}/train-{shard_name(shard)}.parquet"


def _compression(schema: pa.Schema) -> dict[str, str]:
    """Parquet column -> codec: pictures are compressed already."""
    sink = pa.BufferOutputStream()
    pq.write_table(schema.empty_table(), sink)
    columns = pq.ParquetFile(pa.BufferReader(sink.getvalue())).schema
    paths = [columns.column(index).path for index in range(len(columns))]
    packed = {f"{item.name}.bytes" for item in schema if item.type == IMAGE}
    return {path: "NONE" if path in packed else "ZSTD" for path in paths}


def _groups(items: Iterator[Item]) -> Iterator[list[Item]]:
    """Runs of items that become one row group."""
    group: list[Item] = []
    size = 0
    for item in items:
        group.append(item)
        size += len(item.jpeg) + sum(map(len, item.maps.values()))
        if len(group) >= ROWS_AT_ONCE or size >= BYTES_AT_ONCE:
            yield group
            group, size = [], 0
    if group:
        yield group

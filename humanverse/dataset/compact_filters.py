"""Rewrite the filters that name something forgotten, and the views that name these filters.

A sample that was left out for one that is forgotten belonged to a group that has lost its head: the group's earliest row that is
left then stays, and the others are left out for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from humanverse.dataset import layout, views
from humanverse.dataset.create import json_bytes, read_json
from humanverse.dataset.reader import Dataset
from humanverse.dataset.views import Filter
from schemas.filters import SCHEMA


@dataclass(frozen=True)
class _Head:
    """The sample of a group that stays now."""

    shard: int
    row: int
    uid: str
    phash: int


def compact_filters(dataset: Dataset, gone: frozenset[str]) -> list[str]:
    """Write anew every filter that names a uid of ``gone``, make its views name the new one, and delete the old one.

    Returns:
        The filters that were written.

    Raises:
        DatasetError: if a filter or a view is damaged.
    """
    written = []
    for folder in dataset.store.names(layout.FILTERS):
        for name in views.generations(dataset.store, folder):
            if not dataset.store.exists(layout.filter_card(name)):
                continue
            found = views.read_filter(dataset.store, name)
            if any(_names(table, gone) for _, table in _tables(found)):
                written.append(_replace(dataset, found, gone))
    return written


def _tables(found: Filter) -> Iterator[tuple[int, pa.Table]]:
    for shard in sorted(int(number) for number in found.card.left_out):
        yield shard, found.left_out(shard)


def _names(table: pa.Table, gone: frozenset[str]) -> bool:
    return any(not gone.isdisjoint(table.column(column).to_pylist()) for column in ("uid", "of_uid"))


def _replace(dataset: Dataset, old: Filter, gone: frozenset[str]) -> str:
    store, name = dataset.store, old.name.partition("/")[0]
    heads = _heads(dataset, old, gone)
    counts = {**old.card.counts, "left_out": 0}

    def tables() -> Iterator[tuple[int, pa.Table]]:
        for shard, table in _tables(old):
            left = _without(dataset, shard, table, gone, heads)
            counts["left_out"] += left.num_rows
            if left.num_rows:
                yield shard, left

    shards = [shard for first, last in old.card.shards for shard in range(first, last + 1)]
    new = views.write_filter(store, name, tables(), shards, old.card.made_by, counts)
    for view in dataset.views():
        card = read_json(store, layout.view(view)) or {}
        if old.name in card.get("exclude", ()):
            card["exclude"] = [new if item == old.name else item for item in card["exclude"]]
            store.write(layout.view(view), json_bytes(card))
    store.remove(layout.filter_folder(old.name))
    return new


def _heads(dataset: Dataset, old: Filter, gone: frozenset[str]) -> dict[int, _Head]:
    """For each row that stayed and is forgotten, the sample that stays instead, if its group has any."""
    heads: dict[int, tuple[int, int, str]] = {}
    for shard, table in _tables(old):
        for row in table.to_pylist():
            if row["of_uid"] in gone and row["uid"] not in gone:
                candidate = (row["row"], shard, row["uid"])
                heads[row["of_row"]] = min(candidate, heads.get(row["of_row"], candidate))
    return {of_row: _Head(shard, row, uid, _phash(dataset, shard, row)) for of_row, (row, shard, uid) in heads.items()}


def _phash(dataset: Dataset, shard: int, row: int) -> int:
    table = dataset.images(shard, ["row", "phash"])
    return int(table.filter(pc.equal(table.column("row"), row)).column("phash")[0].as_py())


def _without(dataset: Dataset, shard: int, table: pa.Table, gone: frozenset[str], heads: dict[int, _Head]) -> pa.Table:
    """One shard's table of the new filter."""
    if not _names(table, gone):
        return table
    rows = []
    for row in table.to_pylist():
        head = heads.get(row["of_row"]) if row["of_uid"] in gone else None
        if row["uid"] in gone or (head and head.row == row["row"]):
            continue
        if head:
            apart = (head.phash ^ _phash(dataset, shard, row["row"])).bit_count()
            row |= {"of_shard": head.shard, "of_row": head.row, "of_uid": head.uid, "distance": apart}
        rows.append(row)
    return pa.Table.from_pylist(rows, schema=SCHEMA)

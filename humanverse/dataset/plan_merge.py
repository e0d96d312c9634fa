"""What a merge is to add: which shards of the other dataset, under which numbers, with which layers."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

import humanverse
from humanverse.dataset import create, merge_layers, numbering, source_columns
from humanverse.dataset.merge_layers import Matched
from humanverse.dataset.merge_shard import Final
from humanverse.dataset.merges import Merge, MergedShard
from humanverse.dataset.reader import Dataset
from humanverse.dataset.status import over_shards
from humanverse.errors import UserError
from humanverse.plurals import plural, word


def check_other(dataset: Dataset, other: Dataset) -> None:
    """Refuse to merge a dataset into itself, a copy of it, or one that is not complete.

    Raises:
        UserError: if so.
    """
    ours, theirs = dataset.store, other.store
    local = ours.local and theirs.local
    if os.path.realpath(ours.root) == os.path.realpath(theirs.root) if local else ours.url == theirs.url:
        raise UserError(f"{theirs.url} cannot be merged into itself: name another dataset")
    if create.dataset_id(ours) == create.dataset_id(theirs):
        raise UserError(f"{theirs.url} is a copy of {ours.url} (both have the same id): name another dataset")
    planned, there = numbering.next_shard(other), other.shards()
    if len(there) < planned or not there:
        raise UserError(
            f"{theirs.url} is not complete: {len(there)} of {plural(planned, 'shard')} "
            f"{word(len(there), 'is', 'are')} committed; finish it first (humanverse "
            f"status {theirs.url})"
        )


def image_columns(dataset: Dataset) -> pa.Schema:
    """Columns of the images tables.

    Raises:
        UserError: if there is no committed shard.
    """
    shards = dataset.shards()
    if not shards:
        raise UserError(f"{dataset.store.url} has no committed shard: build it first")
    return dataset.images_as_written(shards[0]).schema


def _settings(dataset: Dataset) -> dict[str, Any]:
    """What decided the pictures; of annotators the layers tell."""
    return {name: value for name, value in dataset.recipe.deciding().items() if name != "annotators"}


def plan(
    dataset: Dataset, other: Dataset, seen: int, number: int, first_row: int, only_both: bool
) -> tuple[Merge | None, Matched]:
    """Plan a merge of what ``other`` has beyond its first ``seen`` shards; writes nothing.

    Args:
        number: of the first new shard.
        first_row: of its first row.
        only_both: leave out layers that are not in ``dataset``.

    Returns:
        The plan, None if no row would be added; and what becomes of the layers.

    Raises:
        DatasetError: if one of the two is damaged.
    """
    matched = merge_layers.match(merge_layers.cards(dataset), merge_layers.cards(other), only_both)
    total = numbering.next_shard(other)
    final = Final(other, total)
    shards: list[MergedShard] = []
    row = first_row
    of = range(seen, total)
    for shard, rows in zip(of, over_shards(lambda shard: final.ledger(shard, ["row"]).num_rows, of), strict=True):
        if rows:
            shards.append(MergedShard(number=number + len(shards), of=shard, first=row, rows=rows))
            row += rows
    if not shards:
        return None, matched
    ours, theirs = image_columns(dataset), image_columns(other)
    made = Merge(
        url=other.store.url,
        identity=create.identity(other.store),
        source=dict(other.source),
        seen=total,
        first_row=first_row,
        layers=matched.copied,
        recipe=tuple(create.differences(_settings(dataset), _settings(other))),
        empty_columns=source_columns.empty(theirs, ours),
        dropped_columns=source_columns.dropped(theirs, ours),
        code=f"humanverse {humanverse.__version__}",
        time=datetime.now(UTC).isoformat(timespec="seconds"),
        shards=tuple(shards),
    )
    return made, matched

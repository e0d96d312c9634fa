"""What a merge added, and what it did not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from humanverse.plurals import plural, word
from humanverse.sizes import size
from pipelines.show.table import line

if TYPE_CHECKING:
    from pipelines.merge import Part, Result


def merged(result: Result) -> None:
    for part in result.others:
        _part(part, result)
    if not result.dry_run and any(part.kept for part in result.others):
        line(
            f"humanverse status {result.url} says which layers are not in all shards, and which views have not seen them"
        )


def _part(part: Part, result: Result) -> None:
    if not part.shards:
        new = f", {plural(part.tombstones, 'tombstone is', 'tombstones are')} new" if part.tombstones else ""
        line(f"{part.url}: was merged {part.merged_before}, and has no new rows{new}")
        return
    verb = "would add" if result.dry_run else "added"
    line(
        f"{part.url}: {verb} {plural(part.kept, 'sample')} ({size(part.bytes)}) of {plural(part.rows, 'row')} "
        f"in {plural(part.shards, 'shard')}; "
        f"{part.duplicates} {word(part.duplicates, 'was', 'were')} here already, "
        f"{plural(part.forgotten, 'row is', 'rows are')} forgotten"
    )
    if part.continued:
        line("  an earlier run had planned this; it goes on")
    if part.tombstones:
        line(f"  tombstones: {part.tombstones} {word(part.tombstones, 'is', 'are')} new here")
    if part.recipe:
        line(f"  built with another recipe: {'; '.join(part.recipe)}")
    if part.empty_columns:
        line(f"  columns that it does not have, null for its samples: {', '.join(part.empty_columns)}")
    if part.dropped_columns:
        line(f"  columns that are not here, left out: {', '.join(part.dropped_columns)}")
    for there, here in part.layers.items():
        line(f"  layer {there}: copied" + ("" if there == here else f" to {here}, which is the same"))
    for layer, why in part.left_layers.items():
        line(f"  layer {layer}: not copied: {why}")
    for number, why in part.lost.items():
        line(f"  shard {number} is not committed: {why}")

"""What a snapshot pins, and what has changed since."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from humanverse.plurals import plural
from pipelines.show.table import line

if TYPE_CHECKING:
    from humanverse.dataset.against import Comparison
    from humanverse.dataset.snapshots import SnapshotCard


def snapshot_json(number: int, card: SnapshotCard) -> dict[str, Any]:
    return {"snapshot": number, **card.model_dump(mode="json")}


def snapshot(dataset: str, number: int, card: SnapshotCard) -> None:
    what = f"the view {card.view.name}" if card.view else "all samples and layers"
    line(
        f"snapshot {number}: {what}: {plural(card.samples, 'sample')}, {plural(card.files, 'file')}, "
        f"{plural(len(card.layers), 'layer')}"
    )
    line(f"what has changed since: humanverse verify {dataset} --against {number}")


def comparison(found: Comparison) -> None:
    for change in found.changes:
        line(f"{change.level}: {change.what}: {change.message}")
    name = f" ({found.name})" if found.name else ""
    verdict = "as it was" if found.same else "not as it was"
    line(
        f"{verdict}: snapshot {found.number}{name} of {found.time}, {plural(found.shards, 'shard')}, "
        f"{plural(found.files, 'file')}"
    )

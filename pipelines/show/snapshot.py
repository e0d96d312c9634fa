"""What a snapshot pins, and what has changed since."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipelines.show.table import line

if TYPE_CHECKING:
    from humanverse.dataset.against import Comparison
    from humanverse.dataset.snapshots import SnapshotCard


def snapshot_json(number: int, card: SnapshotCard) -> dict[str, Any]:
    return {"snapshot": number, **card.model_dump(mode="json")}


def snapshot(dataset: str, number: int, card: SnapshotCard) -> None:
    what = f"the view {card.view.name}" if card.view else "all samples and layers"
    line(f"snapshot {number}: {what}: {card.samples} samples, {card.files} files, {len(card.layers)} layers")
    line(f"what has changed since: humanverse verify {dataset} --against {number}")


def comparison(found: Comparison) -> None:
    for change in found.changes:
        line(f"{change.level}: {change.what}: {change.message}")
    name = f" ({found.name})" if found.name else ""
    verdict = "as it was" if found.same else "not as it was"
    line(f"{verdict}: snapshot {found.number}{name} of {found.time}, {found.shards} shards, {found.files} files")

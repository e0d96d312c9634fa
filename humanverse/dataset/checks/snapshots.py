"""Snapshots can be read; whether what they pin is as it was is for ``verify --against``."""

from __future__ import annotations

from collections.abc import Iterator

from humanverse.dataset import layout, snapshots
from humanverse.dataset.checks.finding import Finding, note, problem
from humanverse.dataset.checks.held import Held
from humanverse.errors import DatasetError
from humanverse.plurals import plural


def check(held: Held) -> Iterator[Finding]:
    """Every snapshot, its files' list read to its end."""
    numbers = snapshots.snapshot_numbers(held.store)
    whole = {path for number in numbers for path in (layout.snapshot_card(number), layout.snapshot_files(number))}
    for name in held.store.names(layout.SNAPSHOTS):
        path = f"{layout.SNAPSHOTS}/{name}"
        if path in whole:
            continue
        left = layout.shard_number(name) is not None
        yield note(path, "was left by a run that was killed" if left else "does not belong to the dataset")
    for number in numbers:
        path = layout.snapshot_card(number)
        try:
            card = snapshots.read_snapshot(held.store, number)
        except DatasetError:
            yield problem(path, "is damaged")
            continue
        path = layout.snapshot_files(number)
        try:
            rows = sum(len(rows) for _, rows in snapshots.read_files(held.store, number, card))
        except DatasetError as error:
            yield problem(path, "is missing" if isinstance(error.__cause__, FileNotFoundError) else "is damaged")
            continue
        if rows != card.files:
            yield problem(path, f"has {plural(rows, 'row')} and not the {card.files} that were written")

"""Check every invariant of the format on a dataset; a finding names a file and what is wrong with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pyarrow as pa

from humanverse.dataset import layout
from humanverse.dataset.checks import blocklists, exports, files, layers, merges, retries, snapshots, views
from humanverse.dataset.checks import held as whole
from humanverse.dataset.checks import shard as shards
from humanverse.dataset.checks.finding import NOTE, PROBLEM, Finding, note, problem
from humanverse.dataset.reader import Dataset
from humanverse.dataset.status import over_shards
from humanverse.plurals import word
from schemas import images

__all__ = ["NOTE", "PROBLEM", "Finding", "Report", "verify"]


@dataclass(frozen=True)
class Report:
    """What ``verify`` found, and how much it read; a row that was tried again counts once."""

    shards: int
    rows: int
    samples: int
    findings: tuple[Finding, ...]

    @property
    def problems(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.level == PROBLEM]

    @property
    def sound(self) -> bool:
        return not self.problems


@dataclass(frozen=True)
class _Checked:
    """What remains of a shard when it was checked.

    Attributes:
        extra: its source's columns; None if the images table cannot be read.
        known: tombstoned uids that its ledger has.
    """

    number: int
    rows: int
    samples: int
    findings: tuple[Finding, ...]
    extra: pa.Schema | None
    known: frozenset[str]


def _one(held: whole.Held, number: int, committed: frozenset[int]) -> _Checked:
    shard = shards.read(held, number)
    findings = (*shard.findings, *layers.check(held, shard))
    again = retries.NONE_SUPERSEDED
    if shard.ledger is not None and held.extent:
        again = retries.superseded(held.retries, number, shard.ledger, held.extent, committed)
    named = set(shard.ledger.column("uid").to_pylist()) if shard.ledger is not None else set(shard.uids)
    return _Checked(
        number=number,
        rows=shard.ledger.num_rows - again.rows if shard.ledger is not None else 0,
        samples=len(shard.uids),
        findings=(*findings, *again.findings),
        extra=pa.schema(list(shard.images.schema)[len(images.SCHEMA) :]) if shard.images is not None else None,
        known=frozenset(held.tombstones.keys() & named),
    )


def _same_columns(held: whole.Held, extras: dict[pa.Schema, list[int]]) -> Iterator[Finding]:
    """Every images table has the same columns of the source."""
    usual = Counter({schema: len(numbers) for schema, numbers in extras.items()}).most_common(1)
    for schema, numbers in extras.items():
        if schema != usual[0][0]:
            for number in numbers:
                path = layout.images_table(number, held.generation(number))
                yield problem(path, "has other columns of the source than most shards")


def _not_compacted(held: whole.Held, known: set[str]) -> Iterator[Finding]:
    still = Counter(path for uid, path in held.tombstones.items() if uid in known)
    for path, count in sorted(still.items()):
        yield note(
            path,
            f"{count} of its uids {word(count, 'is', 'are')} still in the files: humanverse compact removes "
            f"{word(count, 'it', 'them')}",
        )


def verify(dataset: Dataset, progress: Callable[[int], None] = lambda shard: None) -> Report:
    """Read the whole dataset and check it.

    Memory is bounded by the tables of the few shards that are checked at a time, the tombstones, the rows of one view's
    filter, and what is found.

    Args:
        dataset: to check; tombstoned samples are checked like others.
        progress: told the number of each shard when it is done, in order.
    """
    numbers = dataset.shards()
    held = whole.read(dataset, bool(numbers))
    findings: list[Finding] = []
    extras: dict[pa.Schema, list[int]] = {}
    known: set[str] = set()
    rows = samples = 0
    committed = frozenset(numbers)
    findings += retries.check(held.store, held.retries, held.extent, committed)
    findings += merges.check(held.merges, held.retries, held.extent)
    for checked in over_shards(lambda number: _one(held, number, committed), numbers):
        progress(checked.number)
        findings += checked.findings
        rows, samples = rows + checked.rows, samples + checked.samples
        known |= checked.known
        if checked.extra is not None:
            extras.setdefault(checked.extra, []).append(checked.number)
    findings += [
        *_same_columns(held, extras),
        *_not_compacted(held, known),
    ]
    findings += [
        *held.findings,
        *layers.incomplete(held, committed),
        *exports.check(held),
        *snapshots.check(held),
        *blocklists.check(held),
        *views.check(held, dataset, committed),
        *files.check(held, committed),
    ]
    return Report(len(numbers), rows, samples, tuple(findings))

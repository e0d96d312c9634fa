"""What was planned to be tried again: sound plans, and ledgers of which each source row is final in one only."""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from humanverse.dataset import layout
from humanverse.dataset.checks.finding import Finding, Unreadable, further, problem, read_table
from humanverse.dataset.extent import Extent
from humanverse.dataset.retries import ROWS, Pass, PlannedShard, Superseding, pass_numbers, read_pass
from humanverse.errors import DatasetError
from humanverse.storage import Store
from schemas.ledger import FORGOTTEN, KEPT


class _Every:
    """Contains everything."""

    def __contains__(self, number: object) -> bool:
        return True


@dataclass
class Retries:
    """The plans.

    Attributes:
        passes: by number, those that can be read.
        shards: number of a supplementary shard -> its part of the plan, and the number of its pass.
        whole: whether no plan is missing or damaged.
        superseding: of all planned shards, committed or not; shards whose rows cannot be read supersede none.
        findings: what is wrong with the plans' own files.
    """

    passes: dict[int, Pass] = field(default_factory=dict)
    shards: dict[int, tuple[PlannedShard, int]] = field(default_factory=dict)
    whole: bool = True
    superseding: Superseding | None = None
    findings: list[Finding] = field(default_factory=list)


def _rows(store: Store, number: int) -> pa.Table:
    try:
        return read_table(store, layout.retry_rows(number), ROWS)
    except Unreadable:
        return ROWS.empty_table()


def read(store: Store) -> Retries:
    """Every plan; of the rows only where they are."""
    found = Retries()
    there = pass_numbers(store)
    for number in range(max(there, default=-1) + 1):
        path = layout.retry_pass(number)
        try:
            found.passes[number] = read_pass(store, number)
        except DatasetError as error:
            found.whole = False
            message = "is missing, and later ones are there" if number not in there else str(error)
            found.findings.append(problem(path, message.partition(f"{path} ")[2] or message))
    for number, one in found.passes.items():
        found.shards |= {shard.number: (shard, number) for shard in one.shards}
    found.superseding = Superseding(list(found.passes.values()), _Every(), lambda number: _rows(store, number))
    return found


def check(store: Store, found: Retries, extent: Extent | None, committed: Container[int]) -> Iterator[Finding]:
    """The rows of every planned shard.

    Args:
        extent: of the source; None if that cannot be known.
        committed: numbers of the committed shards.
    """
    for number, one in found.passes.items():
        for shard in one.shards:
            path = layout.retry_rows(shard.number)
            try:
                table = read_table(store, path, ROWS)
            except Unreadable as error:
                yield error.finding
                continue
            message = _as_planned(shard, table) or (extent and _of_shards(table, extent, one.numbers.start))
            if message:
                yield problem(path, message)
                continue
            for holder in np.unique(table.column("shard").to_numpy()):
                if int(holder) not in committed:
                    message = f"is missing, although retry {number} tries rows of it again"
                    yield problem(layout.ledger(int(holder)), message)


def _as_planned(shard: PlannedShard, table: pa.Table) -> str | None:
    rows = table.column("row").to_numpy()
    if len(rows) != shard.rows or rows[0] != shard.first or rows[-1] != shard.last:
        return "its rows are not those that the plan counts"
    return None if (np.diff(rows) > 0).all() else "its rows are not ascending"


def _of_shards(table: pa.Table, extent: Extent, first: int) -> str | None:
    """What is wrong with the shards that are said to hold the rows: each in its own, or in one of an earlier retry."""
    rows, holders = (table.column(name).to_numpy() for name in ROWS.names)
    elsewhere = (holders < extent.shards) | (holders >= first)
    bad = np.flatnonzero((holders != rows // extent.shard_size) & elsewhere)
    if len(bad):
        return f"row {rows[bad[0]]} cannot be in shard {holders[bad[0]]}"
    return "has rows that the source does not have" if rows[-1] >= extent.rows else None


@dataclass(frozen=True)
class Superseded:
    """Rows of one ledger that other shards supersede.

    Attributes:
        rows: how many committed shards supersede.
        findings: what must not be.
    """

    rows: int
    findings: tuple[Finding, ...]


NONE_SUPERSEDED = Superseded(0, ())


def superseded(found: Retries, number: int, ledger: pa.Table, extent: Extent, committed: Container[int]) -> Superseded:
    """Each row that is tried again is in the ledger, ended with a reason that was to be retried, and is tried once.

    Args:
        number: of the shard.
        ledger: as written.
        extent: as of ``check``.
        committed: likewise.
    """
    if not found.superseding:
        return NONE_SUPERSEDED
    planned = found.shards.get(number)
    own = extent.rows_of(number)
    span = (planned[0].first, planned[0].last) if planned else (own.start, own.stop - 1)
    by_shard = list(found.superseding.by_shard(number, *span))
    if not by_shard:
        return NONE_SUPERSEDED
    said = zip(*(ledger.column(name).to_pylist() for name in ("status", "reason")), strict=True)
    ended = dict(zip(ledger.column("row").to_pylist(), said, strict=True))
    taken: set[int] = set()
    counted = 0
    findings = []
    for shard, rows in by_shard:
        reasons = found.passes[found.shards[shard][1]].reasons
        again = rows.to_pylist()
        wrong = [(row, what) for row in again if (what := _wrong(ended.get(row), reasons, row in taken))]
        if wrong:
            message = f"tries row {wrong[0][0]} of shard {number} again, which {wrong[0][1]}{further(len(wrong))}"
            findings.append(problem(layout.retry_rows(shard), message))
        taken.update(again)
        counted += len(again) if shard in committed else 0
    return Superseded(counted, tuple(findings))


def _wrong(ended: tuple[str | None, str | None] | None, reasons: tuple[str, ...], taken: bool) -> str | None:
    if ended is None:
        return "is not in its ledger"
    if ended[0] == KEPT:
        return "was kept"
    if taken:
        return "another retry had tried already"
    return None if ended[1] in (*reasons, FORGOTTEN) else f"ended with {ended[1]}, which this retry was not for"

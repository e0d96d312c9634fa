"""From source rows to samples: what is left after each step, and why rows were lost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from humanverse.dataset.status import Status
from humanverse.dataset.view_cards import Counts
from humanverse.report.wording import clean, count
from schemas.ledger import DECODE_REASONS, FETCH_REASONS, POLICY_REASONS, REASONS

BEFORE_FETCH = ("opt_out", "blocked")
UNKNOWN = "a reason that this version does not know"


@dataclass(frozen=True)
class Step:
    """One bar of the funnel. Shares are of the source rows; equal counts have equal shares.

    Attributes:
        label: what the rows that are left have passed.
        note: why the others have not.
        main: one of the stations that every funnel has.
        left: rows that are left.
        lost: rows that this step took.
        left_share: of the source rows; None if there are none.
        lost_share: of the source rows; None if there are none.
    """

    label: str
    note: str
    main: bool
    left: int
    lost: int
    left_share: float | None
    lost_share: float | None


@dataclass(frozen=True)
class Reason:
    """Why rows ended without a sample.

    Attributes:
        name: as it stands in the ledger.
        explanation: in one line.
        rows: how many.
        share: of the rows in the ledger.
        width: of its bar, relative to the longest in the same list.
    """

    name: str
    explanation: str
    rows: int
    share: float
    width: float


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _losses(found: Status) -> Iterator[tuple[str, str, bool, int]]:
    """Every step after the ledger as (label, note, main, rows lost); steps of the gate only where they took rows."""
    lost = {**found.failed, **found.rejected}
    for reason in BEFORE_FETCH:
        if lost.get(reason):
            yield f"not {reason}", REASONS[reason], False, lost[reason]
    yield "fetched", "failed before a whole body was there", True, sum(lost.get(name, 0) for name in FETCH_REASONS)
    yield "decoded", "the body is not a picture that could be read", True, sum(lost.get(n, 0) for n in DECODE_REASONS)
    for reason, explanation in POLICY_REASONS.items():
        if reason not in BEFORE_FETCH and lost.get(reason):
            yield f"not {reason}", explanation, False, lost[reason]
    unknown = sum(rows for reason, rows in lost.items() if reason not in REASONS)
    if unknown:
        yield "no other reason", UNKNOWN, False, unknown


def steps(found: Status, view: Counts | None = None) -> list[Step]:
    """The funnel, from the source rows down to the kept ones, and to those of a view if its counts are given."""
    source = max(found.planned_rows, found.rows)
    made: list[Step] = []

    def add(label: str, note: str, main: bool, lost: int) -> None:
        before = made[-1].left if made else source
        left = before - lost
        made.append(Step(label, note, main, left, lost, _share(left, source), _share(lost, source)))

    add("source rows, merged ones too" if found.planned_merged_shards else "source rows", "", True, 0)
    add("in the ledger", "not yet: their shards are not committed", True, source - found.rows)
    for label, note, main, lost in _losses(found):
        add(label, note, main, lost)
    add("kept", "", True, made[-1].left - found.kept)
    if view:
        for step in view.steps:
            note = f"{count(step.said_nothing)} of these because a layer or the source says nothing" * bool(
                step.said_nothing
            )
            add(clean(step.step, limit=200), note, False, step.left_out + step.said_nothing)
        add("in the view", "", True, made[-1].left - view.kept)
    return made


def reasons(counted: Mapping[str, int], rows: int) -> list[Reason]:
    """``counted`` rows by reason, most frequent first.

    Args:
        rows: in the ledger.
    """
    longest = max(counted.values(), default=0)
    ordered = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    return [
        Reason(name, REASONS.get(name, UNKNOWN), number, number / rows, number / longest) for name, number in ordered
    ]

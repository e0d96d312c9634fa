"""Rows that are tried again: which reasons may be named, and what is said of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from humanverse.dataset.plan_retry import plan
from humanverse.dataset.reader import Dataset
from humanverse.dataset.retries import Pass
from humanverse.errors import UserError
from pipelines.progress import say
from schemas.ledger import RETRYABLE
from schemas.recipe import FetchSettings


@dataclass(frozen=True)
class Retried:
    """What a run tried again.

    Attributes:
        reasons: that the rows had ended with.
        rows: how many there were when it was planned.
        continued: whether an earlier run had planned it.
    """

    reasons: tuple[str, ...]
    rows: int = 0
    continued: bool = False


def check_reasons(reasons: Sequence[str]) -> tuple[str, ...]:
    """``reasons`` in order, each once.

    Raises:
        UserError: if one is unknown, or no further attempt can change it.
    """
    for reason in reasons:
        if reason not in RETRYABLE:
            what = reason or "an empty reason"
            raise UserError(f"--retry: {what} cannot be tried again: name some of {', '.join(RETRYABLE)}")
    return tuple(sorted(set(reasons)))


def begin(dataset: Dataset, reasons: Sequence[str], fetch: FetchSettings) -> tuple[Pass, ...]:
    """Plan a retry, and say so; empty if no row ended with one of ``reasons``."""
    made = plan(dataset, reasons, fetch)
    if made is None:
        return ()
    say(f"retry: {made.rows} rows ({', '.join(made.reasons)}), in {len(made.shards)} supplementary shards")
    return (made,)


def go_on(unfinished: Sequence[Pass], wanted: bool) -> None:
    """Say that earlier retries are finished first, and, if another is ``wanted``, that it must be asked for again."""
    again = "; give --retry once more for another" if wanted else ""
    for one in unfinished:
        say(f"retry: an earlier one of {one.rows} rows ({', '.join(one.reasons)}) is finished first{again}")


def told(passes: Sequence[Pass], continued: bool) -> Retried | None:
    """What is tried again, all together; None if nothing is."""
    if not passes:
        return None
    reasons = {reason for one in passes for reason in one.reasons}
    return Retried(tuple(sorted(reasons)), sum(one.rows for one in passes), continued)

"""Rows that are tried again: which reasons may be named, which retry a run does, and what is said of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from humanverse.dataset.plan_retry import not_of_the_source, plan
from humanverse.dataset.reader import Dataset
from humanverse.errors import UserError
from humanverse.plurals import plural, word
from pipelines.progress import say
from pipelines.todo import Todo
from schemas.ledger import RETRYABLE
from schemas.recipe import FetchSettings

OWN = "humanverse"
"""``fetch.engine`` of every retry."""
PRIVATE = "private_address"


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


def check_reasons(reasons: Sequence[str], allow_private: bool) -> tuple[str, ...]:
    """``reasons`` in order, each once.

    Raises:
        UserError: if one is unknown, or no further attempt, or none of this run, can change it.
    """
    for reason in reasons:
        if reason not in RETRYABLE:
            what = reason or "an empty reason"
            raise UserError(f"--retry: {what} cannot be tried again: name some of {', '.join(RETRYABLE)}")
    if PRIVATE in reasons and not allow_private:
        raise UserError(f"--retry: without --allow-private {PRIVATE} fails again: give it, or leave {PRIVATE} out")
    return tuple(sorted(set(reasons)))


def begin_or_go_on(
    dataset: Dataset | None, reasons: tuple[str, ...], fetch: FetchSettings, todo: Todo
) -> tuple[Todo, Retried | None]:
    """Plan what is to be tried again for ``reasons``, unless earlier retries are not finished: then these are, and it is said.

    Args:
        dataset: there is one if there are reasons.
        reasons: from ``check_reasons``; empty for a run over the source.
        fetch: the settings of a new retry.
        todo: what there is to do otherwise.

    Returns:
        What there is to do now, and what of it is a further attempt; None if nothing is.
    """
    if reasons and todo.unbuilt:
        say(
            f"retry: {plural(todo.unbuilt, 'shard is', 'shards are')} not built yet: the same command without "
            f"--retry builds {word(todo.unbuilt, 'it', 'them')}"
        )
    unfinished = todo.unfinished
    again = "; give --retry once more for another" if reasons else ""
    for one in unfinished:
        say(f"retry: an earlier one of {plural(one.rows, 'row')} ({', '.join(one.reasons)}) is finished first{again}")
    if unfinished:
        _say_whose_engine(fetch, todo)
        named = {reason for one in unfinished for reason in one.reasons}
        return todo, Retried(tuple(sorted(named)), sum(one.rows for one in unfinished), continued=True)
    if not reasons or dataset is None:
        return todo, None
    if elsewhere := not_of_the_source(dataset, reasons):
        say(
            f"retry: {plural(elsewhere, 'further row')} that ended so came by a merge: retry where "
            f"{word(elsewhere, 'it', 'they')} came from, and merge again"
        )
    made = plan(dataset, reasons, fetch.model_copy(update={"engine": OWN}))
    if made is None:
        return todo, Retried(reasons)
    say(
        f"retry: {plural(made.rows, 'row')} ({', '.join(made.reasons)}), in {plural(len(made.shards), 'supplementary shard')}"
    )
    _say_whose_engine(fetch, todo)
    return replace(todo, passes=(made,)), Retried(made.reasons, made.rows)


def _say_whose_engine(fetch: FetchSettings, todo: Todo) -> None:
    if todo.source.remote and fetch.engine != OWN:
        say(f"retry: rows are tried again with our own engine, not with {fetch.engine}")


def say_how_to_allow_private(failures: Mapping[str, int]) -> None:
    """Say how rows that failed because ``--allow-private`` was not given are tried again, if there are any.

    Args:
        failures: failed rows by reason.
    """
    if rows := failures.get(PRIVATE):
        say(
            f"{plural(rows, 'row')} failed with {PRIVATE}: --retry {PRIVATE} --allow-private tries "
            f"{word(rows, 'it again, if it is', 'them again, if they are')} meant"
        )

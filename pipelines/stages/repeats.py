"""Pictures that come more than once in a shard: the earliest row has it, the others are rejected; or, if many have it, all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from pipelines.stages.outcome import Outcome
from schemas import ledger
from schemas.ledger import Failure


def same_urls(urls: Sequence[str | None]) -> dict[int, int]:
    """Positions of URLs that stood before -> where they stood first."""
    first: dict[str, int] = {}
    places = {index: first.setdefault(url, index) for index, url in enumerate(urls) if url is not None}
    return {index: earlier for index, earlier in places.items() if earlier != index}


def drop_placeholders(outcomes: Sequence[Outcome], urls: Sequence[str | None], least: int) -> None:
    """Reject every picture whose bytes came from ``least`` different URLs of the shard, or more.

    That is no photograph of anything, but what a server gives for pictures that it no longer has. Rows that the gate had
    rejected for what is in the picture become placeholders, too.

    Args:
        outcomes: of a shard, all.
        urls: of their rows.
    """
    sources: defaultdict[str, set[str | None]] = defaultdict(set)
    for outcome in outcomes:
        if outcome.sha256 is not None and _decoded(outcome):
            sources[outcome.sha256].add(urls[outcome.index])
    for outcome in outcomes:
        known = len(sources.get(outcome.sha256 or "", ()))
        if known >= least and _decoded(outcome):
            outcome.drop(Failure("placeholder", f"same bytes as {known} URLs of this shard"))


def drop_same_bytes(outcomes: Sequence[Outcome], rows: Sequence[int]) -> None:
    """Reject every picture whose bytes an earlier row of the shard had.

    A row that was rejected because its list means another picture (``drifted``) does not count: its bytes may be what another
    row's list means.

    Args:
        outcomes: of a shard, all.
        rows: their source rows, for the ledger's detail.
    """
    first: dict[str, int] = {}
    for outcome in outcomes:
        if outcome.sha256 is None or not _decoded(outcome) or _reason(outcome) in ("drifted", "placeholder"):
            continue
        earlier = first.setdefault(outcome.sha256, outcome.index)
        if earlier != outcome.index:
            outcome.drop(Failure("duplicate", f"same bytes as row {rows[earlier]}"))


def _reason(outcome: Outcome) -> str | None:
    return outcome.failure.reason if outcome.failure else None


def _decoded(outcome: Outcome) -> bool:
    """Whether there is or was a picture. Blocked ones are left alone: that they were blocked is what counts."""
    rejected = outcome.failure is not None and outcome.failure.status == ledger.REJECTED
    return outcome.prepared is not None or (rejected and _reason(outcome) != "blocked")

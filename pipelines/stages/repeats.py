"""Pictures that come more than once in a shard: the earliest row has the picture, the others are rejected."""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.stages.outcome import Outcome
from schemas import ledger
from schemas.ledger import Failure


def same_urls(urls: Sequence[str | None]) -> dict[int, int]:
    """Positions of URLs that stood before -> where they stood first."""
    first: dict[str, int] = {}
    places = {index: first.setdefault(url, index) for index, url in enumerate(urls) if url is not None}
    return {index: earlier for index, earlier in places.items() if earlier != index}


def drop_same_bytes(outcomes: Sequence[Outcome], rows: Sequence[int]) -> None:
    """Reject every picture whose bytes an earlier row of the shard had.

    Args:
        outcomes: of a shard, all.
        rows: their source rows, for the ledger's detail.
    """
    first: dict[str, int] = {}
    for outcome in outcomes:
        decoded = outcome.prepared is not None or (outcome.failure and outcome.failure.status == ledger.REJECTED)
        if outcome.sha256 is None or not decoded:
            continue
        earlier = first.setdefault(outcome.sha256, outcome.index)
        if earlier != outcome.index:
            outcome.drop(Failure("duplicate", f"same bytes as row {rows[earlier]}"))

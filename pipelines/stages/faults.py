"""Whether a shard's failures say more about this side than about the servers."""

from __future__ import annotations

from collections.abc import Sequence

from humanverse.errors import UserError
from pipelines.stages.outcome import Outcome

_NETWORK = "check the network (if they are all dead, set fetch.all_failed_from to null)"
NOT_TRIED = ("duplicate", "blocked")
"""Reasons of rows that say nothing about the network."""
FAULTS_HERE = {
    "dns": _NETWORK,
    "connect": _NETWORK,
    "timeout": _NETWORK,
    "private_address": "give --allow-private if these servers are meant",
}
"""Reasons that, when all URLs of a shard fail with one of them, say more about us than about the servers; and what to do."""


def check_not_all_failed_alike(outcomes: Sequence[Outcome], least: int | None) -> None:
    """Raise UserError if so many URLs failed for one reason, and all of them, that the fault is likely on this side."""
    reasons = [outcome.failure and outcome.failure.reason for outcome in outcomes]
    tried = [reason for reason in reasons if reason not in NOT_TRIED]
    if least is None or len(tried) < least or len(set(tried)) > 1 or tried[0] not in FAULTS_HERE:
        return
    raise UserError(f"all {len(tried)} URLs failed with {tried[0]}: {FAULTS_HERE[tried[0]]}, and run again")

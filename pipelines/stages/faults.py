"""Whether a shard's failures say more about this side than about the servers."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from humanverse.errors import UserError
from pipelines.stages.outcome import Outcome

_NETWORK = "check the network (if they are all dead, set fetch.all_failed_from to null)"
NOT_TRIED = ("duplicate", "blocked", "invalid_url", "forbidden_scheme")
"""Reasons of rows that say nothing about the network."""
FAULTS_HERE = {
    "dns": _NETWORK,
    "connect": _NETWORK,
    "timeout": _NETWORK,
    "private_address": "give --allow-private if these servers are meant (if not, set fetch.all_failed_from to null)",
}
"""Reasons that, when all URLs of a shard fail with one of them, say more about us than about the servers; and what to do."""


def check_not_all_failed_alike(outcomes: Sequence[Outcome], least: int | None, expected: Collection[str] = ()) -> None:
    """Check that not so many URLs failed for one reason, and all of them, that the fault is likely on this side.

    Args:
        outcomes: of all rows of a shard.
        least: URLs that must have failed for that; None checks nothing.
        expected: reasons that the rows had failed with before: that they do so again says nothing about this side.

    Raises:
        UserError: if they did.
    """
    reasons = [outcome.failure and outcome.failure.reason for outcome in outcomes]
    tried = [reason for reason in reasons if reason not in NOT_TRIED]
    if least is None or len(tried) < least or len(set(tried)) > 1:
        return
    if tried[0] not in FAULTS_HERE or tried[0] in expected:
        return
    raise UserError(f"all {len(tried)} URLs failed with {tried[0]}: {FAULTS_HERE[tried[0]]}, and run again")

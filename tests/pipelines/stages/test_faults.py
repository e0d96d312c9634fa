"""When a shard's failures are likely to be this side's fault."""

from __future__ import annotations

import pytest

from humanverse.errors import UserError
from pipelines.stages.faults import check_not_all_failed_alike
from pipelines.stages.outcome import Outcome
from schemas.ledger import Failure


def outcomes(*reasons: str) -> list[Outcome]:
    return [Outcome(index, Failure(reason)) for index, reason in enumerate(reasons)]


def test_rows_that_were_never_asked_for_say_nothing_about_the_network() -> None:
    aside = ("duplicate", "blocked", "invalid_url", "forbidden_scheme")
    with pytest.raises(UserError, match="all 3 URLs failed with dns"):
        check_not_all_failed_alike(outcomes(*aside, "dns", "dns", "dns"), 3)
    check_not_all_failed_alike(outcomes(*aside, "dns", "dns"), 3)
    check_not_all_failed_alike(outcomes(*aside, "dns", "dns", "http_4xx"), 3)
    check_not_all_failed_alike(outcomes("blocked", "invalid_url", "blocked"), 3)


def test_rows_that_fail_again_as_they_did_say_nothing_about_this_side() -> None:
    check_not_all_failed_alike(outcomes("dns", "dns", "dns"), 3, ("dns", "timeout"))
    with pytest.raises(UserError, match="all 3 URLs failed with dns"):
        check_not_all_failed_alike(outcomes("dns", "dns", "dns"), 3, ("http_5xx", "timeout"))

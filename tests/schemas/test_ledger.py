"""The ledger's reasons and what status each means."""

from __future__ import annotations

import pytest

from schemas.ledger import DECODE_REASONS, FETCH_REASONS, POLICY_REASONS, REASONS, Failure


def test_no_reason_means_two_things() -> None:
    assert len(REASONS) == len(FETCH_REASONS) + len(DECODE_REASONS) + len(POLICY_REASONS)


def test_having_no_picture_is_failed_and_not_wanting_it_is_rejected() -> None:
    assert Failure("timeout").status == "failed"
    assert Failure("corrupt").status == "failed"
    assert Failure("person_area").status == "rejected"
    assert Failure("opt_out").status == "rejected"


def test_an_unknown_reason_is_a_mistake_in_the_code() -> None:
    with pytest.raises(ValueError, match="sunspots"):
        Failure("sunspots")

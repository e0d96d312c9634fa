from __future__ import annotations

from datetime import UTC, datetime

import pytest

from humanverse.fetch.retries import backoff, retry_after

NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)


def test_backoff_doubles_within_its_spread_and_repeats_itself() -> None:
    for attempt, full in ((1, 0.5), (2, 1.0), (3, 2.0)):
        wait = backoff(0.5, attempt, "http://a/")
        assert full / 2 <= wait < full
        assert wait == backoff(0.5, attempt, "http://a/")
    assert len({backoff(0.5, 1, f"http://a/{index}") for index in range(50)}) > 40
    assert backoff(0.0, 3, "http://a/") == 0.0


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("0", 0.0),
        (" 7 ", 7.0),
        ("9" * 400, 1e18),
        ("Thu, 01 Jan 2026 12:00:30 GMT", 30.0),
        ("Thu, 01 Jan 2026 12:00:30", 30.0),
        ("Thu, 01 Jan 2026 11:00:00 GMT", 0.0),
        (None, 0.0),
        ("", 0.0),
        ("-5", 0.0),
        ("soon", 0.0),
        ("1.5", 0.0),
        ("Thu, 99 Foo 20260 12:00:30 GMT", 0.0),
        ("٣", 0.0),
    ],
)
def test_retry_after(value: str | None, expected: float) -> None:
    assert retry_after(value, NOW) == pytest.approx(expected)

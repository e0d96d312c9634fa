from __future__ import annotations

import pytest

from humanverse.fetch import patience as patience_module
from humanverse.fetch.failures import FetchError, status_error
from humanverse.fetch.patience import LONGEST_BACKOFF_S, Patience

SLOW_DOWN = status_error(429, 0.0)


def test_retry_after_is_obeyed_for_the_host_and_never_shortened() -> None:
    patience = Patience(0.5, 60)
    assert patience.refused("a", 0.0, 1.0, status_error(429, 20.0)) == 21.0
    assert patience.refused("a", 0.5, 2.0, SLOW_DOWN) == 21.0
    assert patience.refuses("a") and not patience.refuses("b")


def test_without_retry_after_the_pause_doubles_up_to_a_cap() -> None:
    patience = Patience(0.5, 1e9)
    pauses, now = [], 0.0
    for _ in range(200):
        until = patience.refused("a", now, now, SLOW_DOWN)
        pauses.append(until - now)
        now = until
    for index, pause in enumerate(pauses[:5]):
        assert 0.25 * 2**index <= pause < 0.5 * 2**index
    assert pauses[-1] == pytest.approx(LONGEST_BACKOFF_S)


def test_refusals_of_requests_that_were_under_way_together_count_once() -> None:
    patience = Patience(0.5, 60)
    first = patience.refused("a", 0.0, 1.0, SLOW_DOWN)
    assert [patience.refused("a", 0.0, 1.1, SLOW_DOWN) for _ in range(7)] == [first] * 7


def test_another_answer_ends_it_unless_it_was_asked_for_before() -> None:
    patience = Patience(0.5, 60)
    patience.refused("a", 0.0, 1.0, SLOW_DOWN)
    patience.answered("a", 0.5)
    assert patience.refuses("a")
    patience.answered("a", 2.0)
    assert not patience.refuses("a")
    patience.answered("never heard of", 2.0)


def test_a_host_that_asks_for_too_much_is_given_up_until_it_may_be_asked_again() -> None:
    patience = Patience(0.5, 60)
    patience.refused("a", 0.0, 0.0, status_error(503, 60.0))
    assert patience.given_up("a", 1.0) is None
    patience.refused("a", 60.0, 60.0, status_error(429, 1.0))
    error = patience.given_up("a", 60.5)
    assert isinstance(error, FetchError)
    assert (error.reason, error.http_status) == ("http_429", 429)
    assert patience.given_up("a", 61.0) is None
    assert patience.given_up("b", 1.0) is None


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience_module, "MOST_HOSTS", 3)
    patience = Patience(0.5, 60)
    for host in "abca" + "d":
        patience.refused(host, 0.0, 0.0, SLOW_DOWN)
    assert [host for host in "abcd" if patience.refuses(host)] == ["a", "c", "d"]

"""Equal pictures in a shard: whose row has it, and when nobody's."""

from __future__ import annotations

from collections.abc import Sequence

from humanverse.codec import Prepared, encode_jpeg, prepare
from pipelines.stages.outcome import Outcome
from pipelines.stages.repeats import drop_placeholders, drop_same_bytes, same_urls
from schemas.ledger import Failure
from schemas.recipe import ImageSettings
from tests.datasets import picture

FAILURES = {"kept": None, **{name: Failure(name) for name in ("too_small", "corrupt", "blocked", "drifted")}}


def outcomes(*rows: tuple[str, str]) -> list[Outcome]:
    """One per (first letters of its hash, its reason, or ``kept``)."""
    found = prepare(encode_jpeg(picture(0, 40, 40), 90), ImageSettings())
    assert isinstance(found, Prepared)
    made = [
        Outcome(index, FAILURES[reason], sha256=digest * 8, prepared=found if reason == "kept" else None)
        for index, (digest, reason) in enumerate(rows)
    ]
    return [*made, Outcome(len(rows), Failure("http_4xx"))]


def reasons(found: Sequence[Outcome]) -> list[str]:
    return [outcome.failure.reason if outcome.failure else "kept" for outcome in found]


def urls(count: int) -> list[str | None]:
    return [*(f"http://a/{number}" for number in range(count)), None]


def test_same_urls() -> None:
    assert same_urls(["a", "b", "a", None, None, "a"]) == {2: 0, 5: 0}


def test_bytes_of_many_urls_are_nobody_s_picture() -> None:
    found = outcomes(*[("aaaa", "kept")] * 3, ("bbbb", "kept"), ("bbbb", "kept"))
    drop_placeholders(found, urls(5), 3)
    assert reasons(found) == [*["placeholder"] * 3, "kept", "kept", "http_4xx"]
    assert {outcome.failure.detail for outcome in found[:3] if outcome.failure} == {
        "same bytes as 3 URLs of this shard"
    }
    assert all(outcome.prepared is None for outcome in found[:3])
    drop_same_bytes(found, range(6))
    assert reasons(found)[3:] == ["kept", "duplicate", "http_4xx"]


def test_a_url_that_stands_there_often_counts_once() -> None:
    found = outcomes(*[("aaaa", "kept")] * 4)
    drop_placeholders(found, ["http://a/1", "http://a/1", "http://a/2", "http://a/1", None], 3)
    assert reasons(found)[:4] == ["kept"] * 4


def test_placeholder_goes_before_the_gate_s_reasons_and_not_before_blocked_or_failed() -> None:
    found = outcomes(*[("aaaa", name) for name in ("kept", "too_small", "drifted", "blocked")], ("aaaa", "corrupt"))
    drop_placeholders(found, urls(5), 3)
    assert reasons(found) == ["placeholder", "placeholder", "placeholder", "blocked", "corrupt", "http_4xx"]
    few = outcomes(("aaaa", "kept"), ("aaaa", "blocked"), ("aaaa", "corrupt"))
    drop_placeholders(few, urls(3), 2)
    assert reasons(few) == ["kept", "blocked", "corrupt", "http_4xx"]


def test_of_equal_pictures_the_first_that_its_list_means_stays() -> None:
    found = outcomes(("aaaa", "drifted"), ("aaaa", "kept"), ("aaaa", "kept"), ("bbbb", "too_small"), ("bbbb", "kept"))
    drop_same_bytes(found, range(100, 106))
    assert reasons(found) == ["drifted", "kept", "duplicate", "too_small", "duplicate", "http_4xx"]
    assert found[2].failure == Failure("duplicate", "same bytes as row 101")

"""Near duplicates within a shard: the first kept one stays, others name it, and the setting is off unless asked for."""

from __future__ import annotations

import cv2
import numpy as np

from humanverse.codec import Prepared
from humanverse.codec.phash import distance, phash
from pipelines.stages.outcome import Outcome
from pipelines.stages.similar import drop_similar
from schemas.ledger import Failure
from tests.humanverse.codec.pictures import noise


def scene(seed: int) -> np.ndarray:
    return cv2.resize(noise(12, 10, seed), (360, 300), interpolation=cv2.INTER_CUBIC)


def outcome(index: int, hashed: int | None) -> Outcome:
    prepared = Prepared(b"", 9, 9, 9, 9, (0.0, 0.0, 9.0, 9.0), "jpeg", 1, False)
    return Outcome(index, sha256=f"{index:064x}", prepared=prepared, phash=hashed)


def reasons(outcomes: list[Outcome]) -> list[str | None]:
    return [found.failure and f"{found.failure.reason}: {found.failure.detail}" for found in outcomes]


def test_what_looks_like_an_earlier_kept_row_is_rejected() -> None:
    first, other = phash(scene(1)), phash(scene(2))
    again = phash(cv2.resize(scene(1), (180, 150), interpolation=cv2.INTER_AREA))
    assert distance(first, again) <= 4
    outcomes = [outcome(index, hashed) for index, hashed in enumerate((other, first, again, first))]
    drop_similar(outcomes, [50, 51, 52, 53], 4)
    apart = distance(first, again)
    assert reasons(outcomes) == [
        None,
        None,
        f"near_duplicate: {apart} bits from row 51",
        "near_duplicate: 0 bits from row 51",
    ]


def test_what_is_not_kept_puts_nobody_out() -> None:
    hashed = phash(scene(1))
    outcomes = [outcome(index, hashed) for index in range(3)]
    outcomes[0].drop(Failure("too_few_people"))
    drop_similar(outcomes, [0, 1, 2], 0)
    assert reasons(outcomes) == ["too_few_people: ", None, "near_duplicate: 0 bits from row 1"]


def test_pictures_without_detail_are_left_alone() -> None:
    white = phash(np.full((50, 50, 3), 255, np.uint8))
    outcomes = [outcome(index, white) for index in range(4)]
    drop_similar(outcomes, [0, 1, 2, 3], 16)
    assert reasons(outcomes) == [None] * 4


def test_nothing_is_kept() -> None:
    outcomes = [Outcome(0, Failure("timeout")), Outcome(1, Failure("dns"))]
    drop_similar(outcomes, [0, 1], 4)
    assert reasons(outcomes) == ["timeout: ", "dns: "]

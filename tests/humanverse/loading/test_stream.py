"""Who makes which batch, and how much is read at once."""

from __future__ import annotations

from itertools import chain, islice

from hypothesis import given
from hypothesis import strategies as st

from humanverse.loading.order import Mixing
from humanverse.loading.stream import Pace, Turn


@given(start=st.integers(0, 30), of=st.integers(1, 7))
def test_every_batch_is_made_by_one(start: int, of: int) -> None:
    own = [list(Turn(number, of).numbers(start, start + 40)) for number in range(of)]
    assert sorted(chain.from_iterable(own)) == list(range(start, start + 40))


def test_without_an_end_there_is_none() -> None:
    assert list(islice(Turn(1, 3).numbers(6, None), 4)) == [7, 10, 13, 16]


def test_lanes_that_a_consumer_reads_from() -> None:
    assert [Turn(0, of).lanes(8) for of in (1, 2, 4, 8, 16, 3)] == [8, 4, 2, 1, 1, 8]


def test_of_a_bucket_a_window_is_read_at_once_and_of_a_folder_a_batch() -> None:
    mixing = Mixing(block=8, window=16)
    assert Pace().round(True, 2, mixing, 16) == 1
    assert Pace().round(False, 2, mixing, 16) == 16
    assert Pace(together=64).round(False, 2, mixing, 16) == 4
    assert Pace(together=4).round(True, 2, mixing, 16) == 1

"""Order: every sample once, one bucket a batch, the same however it is asked for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from humanverse.errors import UserError
from humanverse.loading.index import Index
from humanverse.loading.order import Mixing, Order


def made(per_shard: list[int], buckets: int = 1, seed: int = 0) -> Index:
    """An index of shards of these sizes, with random buckets."""
    starts = np.concatenate([[0], np.cumsum(per_shard)])
    count = int(starts[-1])
    return Index(
        shards=np.arange(len(per_shard)) * 2,
        starts=starts,
        first_rows=np.arange(len(per_shard)) * 1000,
        rows=np.concatenate([np.arange(size) * 3 for size in per_shard]).astype(np.uint32),
        buckets=np.random.default_rng(seed).integers(0, buckets, count).astype(np.uint8),
        sizes=np.array([(512, 512 + 64 * number) for number in range(buckets)]),
    )


def epoch(order: Order, number: int) -> list[np.ndarray]:
    return [order.batch(number * len(order) + place).samples for place in range(len(order))]


@settings(max_examples=60, deadline=None)
@given(
    per_shard=st.lists(st.integers(1, 40), min_size=1, max_size=12),
    buckets=st.integers(1, 4),
    size=st.integers(1, 7),
    mixing=st.builds(
        Mixing,
        lanes=st.integers(1, 5),
        mix=st.integers(1, 3),
        block=st.integers(1, 6),
        window=st.integers(1, 5),
    ),
)
def test_an_epoch_has_every_sample_once_but_less_than_a_batch_of_each_bucket(
    per_shard: list[int], buckets: int, size: int, mixing: Mixing
) -> None:
    index = made(per_shard, buckets)
    totals = np.bincount(index.buckets, minlength=buckets)
    if not (totals // size).any():
        with pytest.raises(UserError, match="make batches smaller"):
            Order(index, 3, size, mixing)
        return
    order = Order(index, 3, size, mixing)
    assert len(order) == (totals // size).sum()
    for number in (0, 1):
        batches = epoch(order, number)
        assert all(len(batch) == size and len(set(index.buckets[batch])) == 1 for batch in batches)
        given_out = np.concatenate(batches)
        assert len(set(given_out.tolist())) == len(given_out)
        assert (np.bincount(index.buckets[given_out], minlength=buckets) == totals // size * size).all()


def test_any_batch_can_be_asked_for_first() -> None:
    index, mixing = made([50, 30, 70, 20, 90], 3), Mixing(2, 2, 4, 3)
    whole = [Order(index, 5, 4, mixing).batch(number) for number in range(120)]
    for number in (0, 17, 64, 65, 66, 119):
        alone = Order(index, 5, 4, mixing).batch(number)
        assert (alone.epoch, alone.bucket) == (whole[number].epoch, whole[number].bucket)
        np.testing.assert_array_equal(alone.samples, whole[number].samples)


def test_seed_and_epoch_change_the_order_and_what_is_left_over() -> None:
    index = made([101] * 3)
    order, other = Order(index, 0, 10), Order(index, 1, 10)
    first, second, different = (np.concatenate(epoch(one, at)) for one, at in ((order, 0), (order, 1), (other, 0)))
    assert (first != second).mean() > 0.9 and (first != different).mean() > 0.9
    assert set(first) != set(second)


def test_a_batch_comes_from_many_blocks_of_few_shards() -> None:
    index, mixing = made([1000] * 16), Mixing(lanes=4, mix=2, block=8, window=16)
    order = Order(index, 0, 16, mixing)
    for number in range(0, len(order), 37):
        samples = order.batch(number).samples
        assert len(set(samples // 8)) >= 8
        assert len(set(index.places(samples)[0])) <= 3
    assert {len(set(index.places(order.batch(number).samples)[0])) for number in range(40)} >= {2}


def test_lanes_give_batches_in_turn_so_that_a_process_keeps_its_shards() -> None:
    index, mixing = made([640] * 8), Mixing(lanes=4, mix=2)
    order = Order(index, 0, 16, mixing)
    of_lanes = [
        {int(shard) for at in range(lane, 80, 4) for shard in index.places(order.batch(at).samples)[0]}
        for lane in range(4)
    ]
    assert all(len(shards) == 2 for shards in of_lanes) and len(set.union(*of_lanes)) == 8


def test_neighbours_in_the_source_are_as_far_apart_as_in_a_shuffle_of_the_lanes_groups() -> None:
    index = made([512] * 8)
    given_out = np.concatenate(epoch(Order(index, 0, 8, Mixing(2, 4, 8, 64)), 0))
    at = np.empty(len(given_out), int)
    at[given_out] = np.arange(len(given_out))
    inside = np.arange(len(at) - 1)[np.arange(1, len(at)) % 8 != 0]
    apart = np.abs(at[inside + 1] - at[inside])
    assert 250 < np.median(apart) < 350
    """Two of 512 samples of a lane are 0.29 x 512 apart in the median; two lanes in turn double that."""


def test_what_cannot_be_mixed_is_refused() -> None:
    with pytest.raises(UserError, match="lanes cannot be 0"):
        Mixing(lanes=0)


def test_the_order_is_the_same_on_every_machine() -> None:
    order = Order(made([20, 30], 2), 7, 4, Mixing(2, 1, 4, 2))
    first = [order.batch(number).samples.tolist() for number in (0, 3, 13)]
    assert first == [[12, 19, 18, 13], [31, 23, 20, 43], [17, 10, 18, 15]]

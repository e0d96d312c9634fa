"""The search against comparing all with all."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from humanverse.similar import search
from tests.similar import hashes, near


def crowded(number, seed):
    """uint64 (number,), all different: many within a few bits of each other, in several blocks."""
    random = np.random.default_rng(seed)
    centres = random.integers(0, 2**64, max(1, number // 8), dtype=np.uint64)
    found = centres[random.integers(0, len(centres), number)]
    for _ in range(2):
        found ^= random.integers(0, 2, number, dtype=np.uint64) << random.integers(0, 64, number, dtype=np.uint64)
    return random.permutation(np.unique(found))


def by_hand(values, distance):
    return {
        (i, j): (int(a) ^ int(b)).bit_count()
        for (i, a), (j, b) in combinations(enumerate(values), 2)
        if (int(a) ^ int(b)).bit_count() <= distance
    }


def searched(values, distance):
    return {
        (int(i), int(j)): int(apart)
        for portion in search.pairs(values, distance)
        for i, j, apart in zip(*portion, strict=True)
    }


@given(st.integers(0, 60), st.integers(0, 16), st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_all_pairs_are_found_and_no_other(number, distance, seed):
    values = crowded(number, seed)
    wanted = by_hand(values, distance)
    assert searched(values, distance) == wanted
    neighbours = sorted({int(values[i]) for pair in wanted for i in pair})
    assert search.with_neighbours(values, distance).tolist() == neighbours


@pytest.mark.parametrize("distance", [1, 2, 3, 4])
def test_also_where_hashes_are_sorted_by_blocks(distance, monkeypatch):
    monkeypatch.setattr(search, "_SORTING", 0.0)
    monkeypatch.setattr(search, "AT_ONCE", 17)
    values = crowded(300, distance)
    assert len(search.keys(len(values), distance)) > 1
    assert searched(values, distance) == by_hand(values, distance)
    assert len(search.with_neighbours(values, distance)) > 50


@pytest.mark.parametrize(("number", "distance"), [(10, 4), (10**6, 4), (340 * 10**6, 4), (10**6, 0), (10**6, 8)])
def test_two_that_differ_in_so_many_bits_agree_in_one_of_the_keys(number, distance):
    random = np.random.default_rng(number)
    chosen = search.keys(number, distance)
    for _ in range(300):
        bits = random.permutation(64)[:distance].astype(np.uint64)
        differing = np.array([sum(1 << int(bit) for bit in bits)], np.uint64)
        assert any((key.permuted(differing) & key.agreeing)[0] == 0 for key in chosen)


@given(st.lists(st.integers(0, 2**64 - 1)), st.integers(0, 4))
@settings(deadline=None)
def test_a_permutation_of_bits_is_undone_and_keeps_distances(values, distance):
    values = np.array(values, np.uint64)
    for key in search.keys(10**7, distance):
        permuted = key.permuted(values)
        assert (np.bitwise_count(permuted) == np.bitwise_count(values)).all()
        assert key.restored(permuted).tolist() == values.tolist()


def test_planted_among_many():
    base = hashes(30_000, seed=1)
    planted = [near(value, 1 + index % 2, index % 7) for index, value in enumerate(base[:200])]
    values = np.array([*base, *planted], np.uint64)
    assert {pair: apart for pair, apart in searched(values, 4).items() if pair[1] >= len(base)} == {
        (index, len(base) + index): 2 + 2 * (index % 2) for index in range(200)
    }

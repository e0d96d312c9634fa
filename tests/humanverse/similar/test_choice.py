"""Who stays and who is left out, against the definition taken at its word."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from humanverse.codec.phash import has_detail
from humanverse.similar.choice import choose
from tests.similar import hashes, near


def at_its_word(values, distance):
    """{left out: (of, distance)}; a value without detail is alike to equal ones alone."""
    stay, out = [], {}
    for place, value in enumerate(values):
        first = values.index(value)
        if first in out:
            out[place] = out[first]
            continue
        reach = distance if has_detail([value])[0] else 0
        alike = [((value ^ values[other]).bit_count(), other) for other in stay]
        alike = [found for found in alike if found[0] <= reach]
        if alike:
            apart, of = min(alike)
            out[place] = (of, apart)
        else:
            stay.append(place)
    return out


def chosen(values, distance):
    found = choose(np.array(values, np.uint64), distance)
    assert (np.diff(found.left_out) > 0).all()
    return {
        place: (of, apart)
        for place, of, apart in zip(found.left_out.tolist(), found.of.tolist(), found.distance.tolist(), strict=True)
    }


@st.composite
def crowds(draw):
    """Chains, stars and repetitions of hashes that are a few swaps apart, and some without detail."""
    known = hashes(draw(st.integers(1, 4)), draw(st.integers(0, 99)))
    known += draw(st.lists(st.sampled_from([0, 1 << 63, 3 << 62]), max_size=2))
    for _ in range(draw(st.integers(0, 40))):
        value = draw(st.sampled_from(known))
        known.append(near(value, draw(st.integers(0, 2)), draw(st.integers(0, 6))) if has_detail([value])[0] else value)
    return draw(st.permutations(known))


@given(crowds(), st.integers(0, 10))
@settings(max_examples=150, deadline=None)
def test_it_is_the_definition(values, distance):
    assert chosen(values, distance) == at_its_word(values, distance)


def test_what_is_near_to_something_left_out_stays():
    first = hashes(1)[0]
    second, third = near(first, 2), near(near(first, 2), 2, skip=8)
    assert (first ^ third).bit_count() == 8
    assert chosen([first, second, third], 4) == {1: (0, 4)}
    assert chosen([second, first, third], 4) == {1: (0, 4), 2: (0, 4)}


def test_an_odd_distance_means_the_even_one_below():
    first = hashes(1)[0]
    assert chosen([first, near(first, 1)], 3) == {1: (0, 2)}
    assert chosen([first, near(first, 2)], 3) == {}


def test_nothing():
    assert chosen([], 4) == {}


def test_the_largest_groups_come_first():
    a, b, c = hashes(3)
    places, sizes = choose(np.array([a, b, c, b, c, near(c)], np.uint64), 4).sizes()
    assert (places.tolist(), sizes.tolist()) == ([2, 1], [2, 1])

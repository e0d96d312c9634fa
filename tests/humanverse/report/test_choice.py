from itertools import pairwise

import pytest

from humanverse.report.choice import choose, spread


@pytest.mark.parametrize(("total", "wanted"), [(0, 5), (1, 5), (5, 5), (7, 3), (1000, 48), (10**12, 48), (9, 0)])
def test_spread_is_even_and_without_repetition(total: int, wanted: int) -> None:
    found = spread(total, wanted)
    assert len(found) == min(total, wanted) == len(set(found))
    assert all(0 <= place < total for place in found)
    gaps = {b - a for a, b in pairwise(found)}
    assert not gaps or max(gaps) - min(gaps) <= 1


def test_shards_give_in_proportion_to_what_they_hold() -> None:
    found = choose({0: 100, 1: 0, 2: 300}, 8)
    assert {shard: len(places) for shard, places in found.items()} == {0: 2, 2: 6}
    assert found[0] == [25, 75]
    assert found[2] == [25, 75, 125, 175, 225, 275]


def test_all_are_chosen_where_there_are_few() -> None:
    assert choose({3: 2, 5: 1, 9: 0}, 48) == {3: [0, 1], 5: [0]}


def test_nothing_to_choose_from() -> None:
    assert choose({}, 48) == {}
    assert choose({0: 0}, 48) == {}

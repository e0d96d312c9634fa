"""Which samples the report shows: spread evenly over all of them, by a rule without chance."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from itertools import accumulate


def spread(total: int, wanted: int) -> list[int]:
    """At most ``wanted`` of the numbers below ``total``: the middles of as many equal stretches."""
    wanted = min(wanted, total)
    return [(2 * index + 1) * total // (2 * wanted) for index in range(wanted)]


def choose(counts: Mapping[int, int], wanted: int) -> dict[int, list[int]]:
    """Positions in the shards' tables of at most ``wanted`` samples.

    Args:
        counts: shard number -> how many samples it holds.

    Returns:
        Shard number -> rising positions, for the shards that give any.
    """
    shards = sorted(counts)
    ends = list(accumulate(counts[shard] for shard in shards))
    chosen: dict[int, list[int]] = {}
    for place in spread(ends[-1] if ends else 0, wanted):
        index = bisect_right(ends, place)
        start = ends[index - 1] if index else 0
        chosen.setdefault(shards[index], []).append(place - start)
    return chosen

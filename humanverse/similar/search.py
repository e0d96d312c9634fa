"""All pairs of hashes that differ in few bits, without comparing all with all.

Manku, Jain and Das Sarma, "Detecting near-duplicates for web crawling", WWW 2007: cut the 64 bits into b blocks. Two hashes
that differ in at most d bits agree in at least b - d blocks, whichever these are. So for each choice of b - d blocks the
hashes are sorted by them, and only those that agree there are compared.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import combinations, pairwise

import numpy as np
import numpy.typing as npt

BITS = 64
MAX_DISTANCE = 16
"""Further apart, hashes of different pictures meet by chance."""

AT_ONCE = 1 << 20
"""Hashes that are worked on at a time; what is needed beside the arrays is a few of these."""
_SORTING = 1.0
"""What permuting and sorting a hash costs, in comparisons (both take about 50 ns)."""

Hashes = npt.NDArray[np.uint64]
Indices = npt.NDArray[np.int64]
Distances = npt.NDArray[np.uint8]


class Keys:
    """One choice of blocks, as a permutation of the bits that puts them in front.

    Args:
        front: the bits (0: least significant) that two hashes must agree in, to be compared.
    """

    def __init__(self, front: list[range]) -> None:
        chosen = {bit for block in front for bit in block}
        self._moves: list[tuple[int, int, int]] = []
        at = BITS
        for run in _runs([*_ordered(chosen), *_ordered(set(range(BITS)) - chosen)]):
            at -= len(run)
            self._moves.append((run[0], at, (1 << len(run)) - 1))
        self.agreeing = np.uint64(((1 << len(chosen)) - 1) << (BITS - len(chosen)))

    def permuted(self, hashes: Hashes) -> Hashes:
        """The hashes with their bits in the new order; sorted, those that agree in the chosen blocks stand together."""
        return self._moved(hashes, [(source, target, mask) for source, target, mask in self._moves])

    def restored(self, permuted: Hashes) -> Hashes:
        """The reverse of ``permuted``."""
        return self._moved(permuted, [(target, source, mask) for source, target, mask in self._moves])

    def _moved(self, values: Hashes, moves: list[tuple[int, int, int]]) -> Hashes:
        result = np.zeros_like(values)
        for start in range(0, len(values), AT_ONCE):
            part = values[start : start + AT_ONCE]
            for source, target, mask in moves:
                result[start : start + AT_ONCE] |= ((part >> np.uint64(source)) & np.uint64(mask)) << np.uint64(target)
        return result


def _ordered(bits: set[int]) -> list[int]:
    return sorted(bits, reverse=True)


def _runs(bits: list[int]) -> Iterator[range]:
    """Descending bits as ascending ranges of neighbours, in the same order."""
    start = 0
    for end in range(1, len(bits) + 1):
        if end == len(bits) or bits[end] != bits[end - 1] - 1:
            yield range(bits[end - 1], bits[start] + 1)
            start = end


def _blocks(count: int) -> list[range]:
    edges = [round(i * BITS / count) for i in range(count + 1)]
    return [range(low, high) for low, high in pairwise(edges)]


def _cost(blocks: int, number: int, distance: int) -> float:
    """Comparisons, roughly, with ``blocks`` blocks."""
    together = number / 2.0 ** (BITS * (blocks - distance) / blocks) / 2
    return math.comb(blocks, distance) * number * (_SORTING + together)


def keys(number: int, distance: int) -> list[Keys]:
    """The choices of blocks with which ``number`` hashes are best searched; one that compares all with all for few hashes."""
    best = min(range(max(distance, 1), min(distance + 8, BITS) + 1), key=lambda blocks: _cost(blocks, number, distance))
    return [Keys(list(chosen)) for chosen in combinations(_blocks(best), best - distance)]


def _agreeing(ordered: Hashes, agreeing: np.uint64, distance: int) -> Iterator[tuple[Indices, Indices, Distances]]:
    """Positions in ``ordered`` (permuted and sorted) of pairs that agree in the key and are near, lower first."""
    for start in range(0, len(ordered), AT_ONCE):
        left = np.arange(start, min(start + AT_ONCE, len(ordered)))
        for offset in range(1, len(ordered)):
            left = left[: np.searchsorted(left, len(ordered) - offset)]
            differing = ordered[left] ^ ordered[left + offset]
            together = (differing & agreeing) == 0
            left, differing = left[together], differing[together]
            if not len(left):
                break
            apart = np.bitwise_count(differing)
            near = apart <= distance
            if near.any():
                yield left[near], left[near] + offset, apart[near]


def with_neighbours(hashes: Hashes, distance: int) -> Hashes:
    """Those of ``hashes`` that have another one within ``distance`` bits; ascending.

    Needs 8 bytes per hash beside the argument, and 8 for each found, and a fixed amount.

    Args:
        hashes: uint64 (n,), all different.
        distance: 0 to ``MAX_DISTANCE``.
    """
    found: Hashes = np.zeros(0, np.uint64)
    for key in keys(len(hashes), distance):
        found = np.union1d(found, _with_neighbours(hashes, key, distance))
    return found


def _with_neighbours(hashes: Hashes, key: Keys, distance: int) -> Hashes:
    """Those that have a neighbour which agrees with them in the key."""
    ordered = key.permuted(hashes)
    ordered.sort()
    near = np.zeros(len(ordered), bool)
    for first, second, _ in _agreeing(ordered, key.agreeing, distance):
        near[first] = near[second] = True
    return key.restored(ordered[near])


def pairs(hashes: Hashes, distance: int) -> Iterator[tuple[Indices, Indices, Distances]]:
    """All pairs of ``hashes`` within ``distance`` bits, in portions: the positions of both, the lower first, and the distance.

    A pair may come several times. Needs 32 bytes per hash beside the argument, and a fixed amount.
    """
    for key in keys(len(hashes), distance):
        permuted = key.permuted(hashes)
        order = np.argsort(permuted, kind="stable")
        for first, second, apart in _agreeing(permuted[order], key.agreeing, distance):
            one, other = order[first], order[second]
            yield np.minimum(one, other), np.maximum(one, other), apart

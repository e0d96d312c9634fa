"""Of pictures that are alike one stays: the first in the order of preference, then what is near to it goes, and so on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from humanverse.codec.phash import has_detail
from humanverse.similar.search import AT_ONCE, Distances, Hashes, Indices, pairs, with_neighbours

_STAYS = np.int64(-1)


@dataclass(frozen=True)
class Choice:
    """Who is left out.

    Attributes:
        left_out: int64 (k,), positions, ascending.
        of: int64 (k,): the position, before it and not left out, that each one is alike to.
        distance: uint8 (k,): in how many bits the two differ.
    """

    left_out: Indices
    of: Indices
    distance: Distances

    def sizes(self) -> tuple[Indices, Indices]:
        """The positions that stay and have others alike to them, and how many of these; most first, then by position."""
        heads, counts = np.unique(self.of, return_counts=True)
        order = np.lexsort((heads, -counts))
        return heads[order], counts[order]


def choose(hashes: Hashes, distance: int) -> Choice:
    """Leave out every hash that is within ``distance`` bits of an earlier one that stays.

    There is no chaining: what is only near to something left out stays. Hashes without detail
    (``humanverse.codec.phash.has_detail``) are alike to equal ones alone. Of several that stay, the nearest counts, and of
    these the first; equal hashes are left out for the same one.

    Args:
        hashes: uint64 (n,), in the order of preference.
        distance: 0 to ``humanverse.similar.search.MAX_DISTANCE``.
    """
    order = np.argsort(hashes, kind="stable")
    new = _new(hashes[order])
    again, firsts = np.flatnonzero(~new), np.flatnonzero(new)
    del new
    repeated, first_of = order[again], order[firsts[np.searchsorted(firsts, again) - 1]]
    firsts = order[firsts]
    del order
    firsts.sort()
    near, near_of, apart = _near(hashes, firsts, distance)
    of, bits = first_of.copy(), np.zeros(len(repeated), np.uint8)
    if len(near):
        at = np.minimum(np.searchsorted(near, first_of), len(near) - 1)
        gone = near[at] == first_of
        of[gone], bits[gone] = near_of[at[gone]], apart[at[gone]]
    left_out = np.concatenate([repeated, near])
    rank = np.argsort(left_out)
    return Choice(left_out[rank], np.concatenate([of, near_of])[rank], np.concatenate([bits, apart])[rank])


def _new(ordered: np.ndarray) -> np.ndarray:
    """bool (n,): where another value begins."""
    new = np.ones(len(ordered), bool)
    np.not_equal(ordered[1:], ordered[:-1], out=new[1:])
    return new


def _among(ascending: np.ndarray, values: np.ndarray) -> np.ndarray:
    """bool (n,): which of ``values`` are in ``ascending``; a portion at a time."""
    found = np.zeros(len(values), bool)
    for start in range(0, len(values) if len(ascending) else 0, AT_ONCE):
        part = values[start : start + AT_ONCE]
        at = np.minimum(np.searchsorted(ascending, part), len(ascending) - 1)
        found[start : start + AT_ONCE] = ascending[at] == part
    return found


def _near(hashes: Hashes, firsts: Indices, distance: int) -> tuple[Indices, Indices, Distances]:
    """Of the positions ``firsts``, whose hashes are all different: who is left out (ascending), for whom, how far."""
    distance -= distance % 2  # two hashes with as many bits set differ in an even number
    there = hashes[firsts]
    crowd = with_neighbours(there[has_detail(there)], distance) if distance else there[:0]
    firsts = firsts[_among(crowd, there)]
    del there
    if not len(firsts):
        return firsts, firsts, np.zeros(0, np.uint8)
    chosen = hashes[firsts]
    stays = _stays(chosen, distance)
    of, apart = _nearest(chosen, stays, distance)
    gone = np.flatnonzero(~stays)
    return firsts[gone], firsts[of[gone]], apart[gone]


def _stays(hashes: Hashes, distance: int) -> np.ndarray:
    """bool (n,), in rounds: what has nobody undecided before it near by stays, and what is near to that goes.

    No pair is remembered, so that memory does not grow with their number.
    """
    stays = np.zeros(len(hashes), bool)
    undecided = np.arange(len(hashes))
    while len(undecided):
        there = hashes[undecided]
        preceded = np.zeros(len(undecided), bool)
        for _, second, _ in pairs(there, distance):
            preceded[second] = True
        decided = ~preceded
        for first, second, _ in pairs(there, distance):
            decided[second[~preceded[first]]] = True
        stays[undecided[~preceded]] = True
        undecided = undecided[~decided]
    return stays


def _nearest(hashes: Hashes, stays: np.ndarray, distance: int) -> tuple[Indices, Distances]:
    """For each hash that does not stay the nearest earlier one that does, and its distance."""
    of = np.full(len(hashes), _STAYS)
    apart = np.full(len(hashes), 255, np.uint8)
    for first, second, bits in pairs(hashes, distance):
        useful = stays[first] & ~stays[second]
        first, second, bits = first[useful], second[useful], bits[useful]
        order = np.lexsort((first, bits, second))
        first, second, bits = first[order], second[order], bits[order]
        new = _new(second)
        first, second, bits = first[new], second[new], bits[new]
        better = (bits < apart[second]) | ((bits == apart[second]) & (first < of[second]))
        of[second[better]], apart[second[better]] = first[better], bits[better]
    return of, apart

"""Of pictures that are alike one stays: the first in the order of preference, then what is near to it goes, and so on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from humanverse.codec.phash import has_detail
from humanverse.similar.search import Distances, Hashes, Indices, pairs, with_neighbours

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
    ordered = hashes[order]
    new = np.ones(len(ordered), bool)
    new[1:] = ordered[1:] != ordered[:-1]
    repeated = order[~new]
    first_of = order[np.flatnonzero(new)[np.cumsum(new)[~new] - 1]]
    firsts = np.sort(order[new])
    del order, ordered, new
    near, near_of, apart = _near(hashes, firsts, distance)
    of, bits = first_of.copy(), np.zeros(len(repeated), np.uint8)
    if len(near):
        at = np.minimum(np.searchsorted(near, first_of), len(near) - 1)
        gone = near[at] == first_of
        of[gone], bits[gone] = near_of[at[gone]], apart[at[gone]]
    left_out = np.concatenate([repeated, near])
    rank = np.argsort(left_out)
    return Choice(left_out[rank], np.concatenate([of, near_of])[rank], np.concatenate([bits, apart])[rank])


def _near(hashes: Hashes, firsts: Indices, distance: int) -> tuple[Indices, Indices, Distances]:
    """Of the positions ``firsts``, whose hashes are all different: who is left out (ascending), for whom, how far."""
    distance -= distance % 2  # two hashes with as many bits set differ in an even number
    crowd = with_neighbours(hashes[firsts][has_detail(hashes[firsts])], distance) if distance else hashes[:0]
    if not len(crowd):
        return firsts[:0], firsts[:0], np.zeros(0, np.uint8)
    at = np.minimum(np.searchsorted(crowd, hashes[firsts]), len(crowd) - 1)
    firsts = firsts[crowd[at] == hashes[firsts]]
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
        new = np.ones(len(second), bool)
        new[1:] = second[1:] != second[:-1]
        first, second, bits = first[new], second[new], bits[new]
        better = (bits < apart[second]) | ((bits == apart[second]) & (first < of[second]))
        of[second[better]], apart[second[better]] = first[better], bits[better]
    return of, apart

"""Weights are fetched before the work begins; what cannot be had is told at once, all of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from annotators.cache import Unreachable, Weight, WeightError
from annotators.weights import listing, obtain, offline

OWN = "give files of your own with --weights"


def fetch(weights: Iterable[Weight], say: Callable[[str], None]) -> None:
    """Get what is not here yet. After the first server that does not answer nothing more is tried.

    Args:
        weights: in any number; each is fetched once.
        say: is told of every weight that is about to be fetched.

    Raises:
        WeightError: if one cannot be had; without a network it names all that are missing.
    """
    away = [item.weight for item in listing(weights) if item.path is None]
    if len(away) > 1 and offline():
        raise WeightError(
            f"{_missing(away)}: unset HUMANVERSE_OFFLINE, copy the cache of a machine that has them, or {OWN}"
        )
    for position, weight in enumerate(away):
        size = f", {weight.size / 1e6:.1f} MB" if weight.size else ""
        say(f"fetching weights: {weight.file_name}{size}")
        try:
            obtain(weight)
        except Unreachable as error:
            if position + 1 == len(away):
                raise
            raise WeightError(f"{_missing(away[position:])}: {error}") from error


def _missing(away: list[Weight]) -> str:
    return f"{len(away)} weights are not here ({', '.join(weight.spec for weight in away)})"

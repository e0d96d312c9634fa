"""Weights are fetched before the work begins; what cannot be had is told at once, all of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from annotators.cache import Unreachable, Weight, WeightError, offline
from annotators.weights import listing, obtain
from humanverse.sizes import size

if TYPE_CHECKING:
    from annotators.base import Loadable

Users = Mapping[Weight, Sequence[str]]
"""Weight -> who loads it, as ``KIND=NAME``, or a name alone of what takes no ``--weights``."""


def users(loadables: Iterable[Loadable]) -> dict[Weight, list[str]]:
    """All that is loaded, and by whom."""
    found: dict[Weight, list[str]] = {}
    for one in loadables:
        for weight, user in one.users.items():
            found.setdefault(weight, [])
            if user not in found[weight]:
                found[weight].append(user)
    return found


def fetch(wanted: Users, say: Callable[[str], None], preset: str = "") -> None:
    """Get what is not here yet. After the first server that does not answer nothing more is tried.

    Args:
        wanted: what is needed; each is fetched once.
        say: is told of every weight that is about to be fetched.
        preset: whose weights they are, if they are those of one; it is named in the error.

    Raises:
        WeightError: if one cannot be had; without a network it names for what weights are missing.
    """
    away = {item.weight: wanted[item.weight] for item in listing(wanted) if item.path is None}
    if away and offline():
        raise WeightError(
            f"{_missing(away)}: unset HUMANVERSE_OFFLINE, copy the cache of a machine that has them{_own(away, preset)}"
        )
    for position, weight in enumerate(away):
        say(f"fetching weights: {weight.file_name}{f', {size(weight.size)}' if weight.size else ''}")
        try:
            obtain(weight)
        except Unreachable as error:
            left = dict(list(away.items())[position:])
            told = f"{_missing(left)}: {error}" if len(left) > 1 else str(error)
            raise WeightError(f"{told}{_own(left, preset)}") from error


def _missing(away: Users) -> str:
    """``weights of caption=blip-2 (15.0 GB), person=d-fine (252.0 MB) are not here``; of a single one also where it is from."""
    if len(away) == 1:
        ((weight, by),) = away.items()
        return f"weights of {_names(by)} are not here ({', '.join([*_size(weight.size), weight.spec])})"
    sizes: dict[str, int] = {}
    for weight, by in away.items():
        sizes[_names(by)] = sizes.get(_names(by), 0) + weight.size
    told = ", ".join(" ".join([names, *(f"({text})" for text in _size(count))]) for names, count in sizes.items())
    return f"weights of {told} are not here"


def _names(by: Sequence[str]) -> str:
    return " and ".join(by)


def _size(count: int) -> list[str]:
    """Nothing where it is not known."""
    return [size(count)] if count else []


def _own(away: Users, preset: str) -> str:
    """What else can be done about them, and which command lists them."""
    kinds = {name.partition("=")[0]: _sort(weight) for weight, by in away.items() for name in by if "=" in name}
    if not kinds:
        return ""
    one, shown = "KIND=FILE or KIND=FOLDER", f"--preset {preset}" if preset else ""
    if len(kinds) == 1:
        ((shown, what),) = kinds.items()
        one = f"{shown}={what}"
    listed = " ".join(filter(None, ("humanverse models list", shown)))
    return f", or give your own: --weights {one} ({listed} tells where they come from)"


def _sort(weight: Weight) -> str:
    """A repository of a hub is a folder; every other source has single files."""
    return "FOLDER" if weight.scheme == "hf" and weight.spec.count(":") == 1 else "FILE"

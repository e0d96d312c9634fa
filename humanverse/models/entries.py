"""What a model denoises and what it is told: one entry of its configuration for each target and each condition.

Entries are written as JSON objects in a model's ``config.json``; a name alone stands for an entry with the usual values.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from torch import nn

from humanverse.errors import UserError


@dataclass(frozen=True)
class Target:
    """A picture that stage 1 denoises.

    Attributes:
        name: of the target, for example ``depth``.
        channels: of its latent.
        weight: of its loss in the sum over targets.
    """

    name: str
    channels: int = 4
    weight: float = 1.0

    def __post_init__(self) -> None:
        _check_name(self.name)
        _check_channels(self.name, self.channels)
        if not (isinstance(self.weight, (int, float)) and self.weight >= 0):
            raise UserError(f"Target {self.name!r} has weight {self.weight!r}: give a number that is not negative.")


@dataclass(frozen=True)
class Condition:
    """A picture that a model is told.

    Attributes:
        name: of the condition, for example ``skeleton``.
        channels: of its latent in stage 1 (4), of its map in stage 2 (3).
    """

    name: str
    channels: int

    def __post_init__(self) -> None:
        _check_name(self.name)
        _check_channels(self.name, self.channels)


Entry = TypeVar("Entry", Target, Condition)


def _check_name(name: Any) -> None:
    if not (isinstance(name, str) and name.isidentifier()):
        raise UserError(f"{name!r} cannot name a target or condition: use letters, digits and underscores.")
    if hasattr(nn.ModuleDict, name):
        raise UserError(f"{name!r} cannot name a target or condition, as PyTorch uses it: choose another name.")


def _check_channels(name: str, channels: Any) -> None:
    if not (isinstance(channels, int) and channels > 0):
        raise UserError(f"{name!r} has {channels!r} channels: give a whole number above 0.")


def _entry(kind: type[Entry], given: Any, usual: Mapping[str, Any]) -> Entry:
    if isinstance(given, kind):
        return given
    fields = {"name": given} if isinstance(given, str) else given
    if not isinstance(fields, Mapping):
        raise UserError(f"{given!r} is no {kind.__name__.lower()}: give a name or its fields.")
    try:
        return kind(**{**usual, **fields})
    except TypeError:
        allowed = ", ".join(kind.__dataclass_fields__)
        raise UserError(f"{dict(fields)} is no {kind.__name__.lower()}: its fields are {allowed}.") from None


def _distinct(entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    names = [entry.name for entry in entries]
    for name in names:
        if names.count(name) > 1:
            raise UserError(f"{name!r} is listed {names.count(name)} times: list it once.")
    return entries


def parse_targets(given: Iterable[Any]) -> tuple[Target, ...]:
    """``given`` as targets, in their order.

    Args:
        given: names, mappings with the fields of ``Target``, or targets.

    Raises:
        UserError: if there is none, a name comes twice, or a field is wrong.
    """
    targets = _distinct(tuple(_entry(Target, item, {}) for item in given))
    if not targets:
        raise UserError("A structural model needs at least one target, for example rgb.")
    return targets


def parse_conditions(given: Iterable[Any], channels: int) -> tuple[Condition, ...]:
    """``given`` as conditions, in their order.

    Args:
        given: names, mappings with the fields of ``Condition``, or conditions.
        channels: of those that do not say.

    Raises:
        UserError: if a name comes twice or a field is wrong.
    """
    return _distinct(tuple(_entry(Condition, item, {"channels": channels}) for item in given))


def written(entries: Iterable[Target | Condition]) -> list[dict[str, Any]]:
    """``entries`` as they are written in ``config.json``."""
    return [asdict(entry) for entry in entries]

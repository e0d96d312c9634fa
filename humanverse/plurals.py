"""Nouns and verbs that agree with a number."""

from __future__ import annotations


def plural(number: int, one: str, many: str = "") -> str:
    """``1 shard``, ``2 shards``; arguments as of ``word``."""
    return f"{number} {word(number, one, many)}"


def word(number: int, one: str, many: str = "") -> str:
    """``one`` for 1; for any other number ``many``, or ``one`` with an s where that is not given."""
    return one if number == 1 else many or f"{one}s"

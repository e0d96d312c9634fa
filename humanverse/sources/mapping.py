"""What the left sides of ``source.columns`` say: names that mean something here, other names, and slips between the two."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from humanverse.errors import UserError
from humanverse.sources.columns import CAPTION_NAMES, URL_NAMES
from humanverse.sources.digests import COLUMNS, HASH_NAMES

MEANINGS: Mapping[str, tuple[str, ...]] = {"url": URL_NAMES, "caption": CAPTION_NAMES, **HASH_NAMES}
"""Our names, and those that mean the same in lists."""

_OURS = (*MEANINGS, *COLUMNS.values())


def _with_one_letter_less(word: str) -> set[str]:
    return {word, *(word[:index] + word[index + 1 :] for index in range(len(word)))}


def alike(one: str, other: str) -> bool:
    """Whether two words are the same but for one letter that is missing, added, another, or in another place."""
    return not _with_one_letter_less(one).isdisjoint(_with_one_letter_less(other))


def _meant(name: str) -> str | None:
    """The name of ours that the user seems to have meant; None if ``name`` is one, or like none."""
    if name in _OURS:
        return None
    lower = name.lower()
    same = (ours for ours, names in MEANINGS.items() if lower in names)
    return next(same, None) or next((ours for ours in _OURS if alike(lower, ours)), None)


def check_mapping(mapping: Iterable[str]) -> None:
    """Refuse a left side that is almost a name of ours: its column would be carried along and mean nothing.

    Args:
        mapping: the left sides.

    Raises:
        UserError: naming the first of them, and the names that there are.
    """
    for name in mapping:
        if (ours := _meant(name)) is not None:
            raise UserError(
                f"source.columns: {name} means nothing here, write {ours} (there are {', '.join(MEANINGS)}); "
                "to carry a column along under another name, choose one less like these"
            )


def only_renamed(mapping: Mapping[str, str]) -> dict[str, str]:
    """The entries of ``mapping`` that give a column another name, and no meaning."""
    return {ours: theirs for ours, theirs in mapping.items() if ours not in _OURS}

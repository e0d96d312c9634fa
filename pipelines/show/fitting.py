"""A table of which every row is one line of the terminal: columns are shortened, then left out, in a fixed order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

GAP = "  "


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        title: above it.
        cells: one for each row.
        least: characters that it may be shortened to; None if it is shown whole.
        right: whether its cells stand at its right edge, as numbers do.
    """

    title: str
    cells: tuple[str, ...]
    least: int | None = None
    right: bool = False

    @property
    def most(self) -> int:
        return max(map(len, (self.title, *self.cells)))

    @property
    def narrowest(self) -> int:
        return self.most if self.least is None else min(self.least, self.most)


def fitted(columns: Sequence[Column], width: int, leave_out: Sequence[str]) -> tuple[list[str], list[str]]:
    """The lines of a table, and the titles of what is not in it.

    Args:
        columns: from left to right; room that is left goes to those before others.
        width: characters of a line.
        leave_out: titles of columns that may be left out, the first of them first.
    """
    shown, gone = list(columns), []
    for title in leave_out:
        if _total([column.narrowest for column in shown]) <= width:
            break
        shown = [column for column in shown if column.title != title]
        gone.append(title)
    widths = [column.narrowest for column in shown]
    for index, column in enumerate(shown):
        widths[index] += min(column.most - widths[index], max(0, width - _total(widths)))
    rows = zip(*((column.title, *column.cells) for column in shown), strict=True)
    lines = [GAP.join(map(_cell, row, widths, (column.right for column in shown))).rstrip() for row in rows]
    return [_shortened(line, width) for line in lines], gone


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + len(GAP) * (len(widths) - 1)


def _cell(text: str, width: int, right: bool) -> str:
    short = _shortened(text, width)
    return short.rjust(width) if right else short.ljust(width)


def _shortened(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"

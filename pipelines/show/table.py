"""Lines and tables on standard output, and figures as a person reads them."""

from __future__ import annotations

from collections.abc import Sequence

_UNBOUNDED = 100_000
"""Columns of a table that is not for a terminal."""


def share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "-"


def figure(value: float) -> str:
    """Three digits, and all of those before the point."""
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


def _is_number(cell: str) -> bool:
    return cell in ("-", "") or cell.removeprefix("-")[:1].isdigit()


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table on standard output. A terminal folds long texts, names in the first column only where they are the only text;
    elsewhere a row is a line."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    console = Console(markup=False, emoji=False)
    if not console.is_terminal:
        console.width = _UNBOUNDED
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    numeric = [bool(rows) and all(_is_number(row[index]) for row in rows) for index in range(len(columns))]
    texts = [index for index, is_numeric in enumerate(numeric) if not is_numeric]
    folded = [index for index in texts if index] or texts
    for index, column in enumerate(columns):
        fold = index in folded
        table.add_column(
            column,
            justify="right" if numeric[index] else "left",
            overflow="fold" if fold else "ellipsis",
            no_wrap=not fold,
        )
    for row in rows:
        table.add_row(*row)
    console.print(table)


def line(text: str) -> None:
    import typer

    typer.echo(text)

"""How two layers compare."""

from __future__ import annotations

from typing import TYPE_CHECKING

from humanverse.plurals import plural, word
from pipelines.show.table import figure, line, table

if TYPE_CHECKING:
    from humanverse.compare.findings import Cell
    from pipelines.compare import Result

SHOWN = 10
"""Samples that are named on a terminal."""


def comparison(result: Result, url: str) -> None:
    found = result.comparison
    truth = " (ground truth)" if found.b.truth else ""
    view = f" of the view {found.view}" if found.view else ""
    line(
        f"{url}: A is {found.a.layer}, B is {found.b.layer}{truth}; {found.compared} of "
        f"{plural(found.samples, 'sample')}{view} "
        f"compared, {plural(len(found.shards), 'shard')}, {result.seconds:.1f} s"
    )
    for layer, number in found.lacking.items():
        line(
            f"{layer}: {plural(number, 'committed shard does', 'committed shards do')} not have it and "
            f"{word(number, 'was', 'were')} left out"
        )
    silent = [(a, b, str(number)) for (a, b), number in sorted(found.statuses.items()) if (a, b) != ("ok", "ok")]
    if silent:
        table("samples that were not compared", ("A is", "B is", "samples"), silent)
    for item in found.findings.tables:
        table(item.title, item.columns, [tuple(_text(cell) for cell in row) for row in item.rows])
        if item.note:
            line(f"  {item.note}\n")
    for note in found.notes:
        line(f"  {note}")
    if found.worst:
        rows = [(item.uid, figure(item.value), str(item.shard), item.url or "") for item in found.worst[:SHOWN]]
        table(f"samples that differ most: {found.disagreement}", ("uid", "by", "shard", "url"), rows)
    if result.page:
        line(f"page: {result.page}")


def _text(cell: Cell) -> str:
    if cell is None:
        return "-"
    return figure(cell) if isinstance(cell, float) else str(cell)

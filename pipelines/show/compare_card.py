"""The estimators' report card on a terminal: narrow, a figure under the other; elsewhere a layer is a line."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from humanverse.plurals import plural
from pipelines.show.table import line, table

if TYPE_CHECKING:
    from humanverse.compare.card import Row
    from pipelines.compare_card import Result

COLUMNS = ("kind", "layer", "figures", "cover", "pics", "failed")


def card(result: Result, url: str) -> None:
    from rich.console import Console

    found = result.card
    view = f"; samples of the view {found.view}" if found.view else ""
    line(f"{url}: {plural(len(found.rows), 'layer')} beside ground truth{view}; {result.seconds:.1f} s")
    between = "\n" if Console().is_terminal else ", "
    table("report card", COLUMNS, [_cells(row, between) for row in found.rows])
    line("  ↑ more is better, ↓ less is; pics: pictures compared")
    line("  cover: of truth's people, points or pixels the share that the layer has too")
    for row in found.rows:
        _notes(row)
    for layer, why in found.left_out.items():
        line(f"  {layer} was left out: {why}")
    example = found.rows[0]
    line(f"  more of one: humanverse compare {shlex.quote(url)} {example.kind} {example.name} {_right(example)}")
    if result.page:
        line(f"page: {result.page}")


def _right(row: Row) -> str:
    return row.comparison.b.layer.partition("/")[2]


def _cells(row: Row, between: str) -> tuple[str, ...]:
    figures = between.join(f"{item.name} {item.arrow} {item.text}" for item in row.headlines)
    covered = "-" if row.covered is None else f"{row.covered:.0%}"
    return row.kind, row.name, figures, covered, str(row.compared), str(row.failed)


def _notes(row: Row) -> None:
    if row.unavailable:
        line(f"  {row.layer}: {plural(row.unavailable, 'more row says', 'more rows say')} that there is nothing to say")
    if row.given:
        line(f"  {row.layer} was made from {', '.join(row.given)}, which is ground truth")
    for layer, number in row.comparison.lacking.items():
        line(f"  {row.layer}: {plural(number, 'committed shard does', 'committed shards do')} not have {layer}")

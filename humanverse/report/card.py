"""The estimators' report card: as a page of its own with all figures, and as the short table in the report."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import humanverse
from humanverse.compare.card import Card, Row, card
from humanverse.compare.findings import Headline
from humanverse.compare.truth import NoTruth
from humanverse.dataset.reader import Dataset
from humanverse.errors import UserError
from humanverse.report import wording, writing
from humanverse.report.choice import choose, spread
from humanverse.report.comparison import ShownTable, shown_table

PICTURES = 24
"""Pictures of each layer that the report compares, so that it stays quick."""
SHARDS = 4
"""Shards that these are from, at the most."""


@dataclass(frozen=True)
class Line:
    """One layer as the templates show it.

    Attributes:
        figures: (name, arrow, value).
        notes: what one must know of it.
        tables: all figures.
        notes_on_figures: what one must know to read the tables.
    """

    layer: str
    truth: str
    figures: tuple[tuple[str, str, str], ...]
    covered: str
    pictures: int
    failed: int
    notes: tuple[str, ...]
    tables: tuple[ShownTable, ...]
    notes_on_figures: tuple[str, ...]


@dataclass(frozen=True)
class Sampled:
    """The card of a sample of the pictures.

    Attributes:
        pictures: that the dataset (or the view) has.
        most: compared of each layer at the most.
        shards: that these are from, at the most.
        problem: why there are no lines.
    """

    lines: tuple[Line, ...]
    left_out: tuple[tuple[str, str], ...]
    pictures: int
    most: int
    shards: int
    problem: str = ""

    @property
    def partial(self) -> bool:
        return self.pictures > self.most


def _line(row: Row) -> Line:
    found = row.comparison
    return Line(
        row.layer,
        found.b.layer,
        tuple(_figure(item) for item in row.headlines),
        wording.percent(row.covered),
        row.compared,
        row.failed,
        tuple(_notes(row)),
        tuple(shown_table(item) for item in found.findings.tables),
        tuple(wording.clean(note) for note in found.notes),
    )


def _figure(item: Headline) -> tuple[str, str, str]:
    return item.name, item.arrow, item.text


def _notes(row: Row) -> Iterator[str]:
    if row.given:
        yield f"made from {', '.join(row.given)}, which is ground truth"
    if row.unavailable:
        yield f"{wording.plural(row.unavailable, 'more row')} with nothing to say"
    for layer, number in row.comparison.lacking.items():
        yield f"{wording.plural(number, 'committed shard')} without {layer}"


def _left_out(found: Card) -> tuple[tuple[str, str], ...]:
    return tuple((layer, wording.clean(why)) for layer, why in found.left_out.items())


def write(dataset: Dataset, found: Card, out: Path, command: str) -> None:
    """Write the page about ``found``, the report card of ``dataset``, to ``out``.

    Args:
        out: a file that does not exist yet or is replaced; its folder must be there.
        command: how to make this page again, for its foot.

    Raises:
        UserError: if ``out`` cannot be written.
    """
    name = wording.without_password(dataset.store.url).rpartition("/")[2] or dataset.store.url
    with writing.whole_file(out) as scratch:
        page = writing.render("card.html", {**_content(found), "title": name, "command": command})
        scratch.write_text(page, encoding="utf-8", errors="replace")


def _content(found: Card) -> dict[str, Any]:
    """Everything the template shows, by the names it uses."""
    view = [("view", found.view)] if found.view else []
    return {
        "head": [
            ("dataset", wording.without_password(found.url)),
            ("ground truth", ", ".join(found.truths.values())),
            *view,
        ],
        "lines": [_line(row) for row in found.rows],
        "left_out": _left_out(found),
        "version": humanverse.__version__,
        "made": wording.time(datetime.now(UTC).isoformat()),
    }


def sampled(dataset: Dataset, held: Mapping[int, int], view: str | None) -> Sampled | None:
    """The card of ``PICTURES`` pictures from ``SHARDS`` shards; None if the dataset has no ground truth with something beside it.

    Args:
        held: shard -> samples, of the view if one is given.
    """
    pictures = sum(held.values())
    try:
        found = card(dataset, view=view, choose=_few(held))
    except NoTruth:
        return None
    except UserError as error:
        return Sampled((), (), pictures, PICTURES, SHARDS, wording.clean(error))
    return Sampled(tuple(_line(row) for row in found.rows), _left_out(found), pictures, PICTURES, SHARDS)


def _few(held: Mapping[int, int]) -> Callable[[Sequence[int]], Mapping[int, Sequence[int]]]:
    """Of shards that have both layers, the pictures to compare, evenly spread over some of them."""

    def chosen(shards: Sequence[int]) -> Mapping[int, Sequence[int]]:
        filled = [shard for shard in shards if held.get(shard)]
        return choose({filled[at]: held[filled[at]] for at in spread(len(filled), SHARDS)}, PICTURES)

    return chosen

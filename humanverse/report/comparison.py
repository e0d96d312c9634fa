"""The page about two layers compared: figures, histograms, and the samples on which they differ most, side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

import humanverse
from humanverse.compare.findings import Cell, Distribution, Table
from humanverse.compare.measure import Side
from humanverse.compare.run import Comparison
from humanverse.dataset.reader import Dataset
from humanverse.report import comparison_maps, draw, wording, writing
from humanverse.report.comparison_cards import cards
from humanverse.report.figures import Chart
from humanverse.report.histogram import histogram
from schemas.provenance import model_of


def write(dataset: Dataset, found: Comparison, out: Path, command: str) -> None:
    """Write the page about ``found``, a comparison of layers of ``dataset``, to ``out``.

    Args:
        out: a file that does not exist yet or is replaced; its folder must be there.
        command: how to make this page again, for its foot.

    Raises:
        UserError: if ``out`` cannot be written.
        DatasetError: if the dataset is damaged.
    """
    with writing.whole_file(out) as scratch:
        page = writing.render("comparison.html", {**_content(dataset, found), "command": command})
        scratch.write_text(page, encoding="utf-8", errors="replace")


def _content(dataset: Dataset, found: Comparison) -> dict[str, Any]:
    """Everything the template shows, by the names it uses."""
    return {
        "title": f"{found.kind}: {found.a.layer.partition('/')[2]} against {found.b.layer.partition('/')[2]}",
        "kind": found.kind,
        "head": list(_head(found)),
        "sides": [_maker("A", found.a), _maker("B, the reference", found.b)],
        "statuses": [(a, b, number) for (a, b), number in sorted(found.statuses.items())],
        "only_one": [(item.uid, item.layer, item.status, wording.clean(item.reason or "")) for item in found.only_one],
        "tables": [shown_table(item) for item in found.findings.tables],
        "notes": [wording.clean(note) for note in found.notes],
        "charts": [_chart(item) for item in found.findings.distributions],
        "disagreement": found.disagreement,
        "cards": cards(dataset, found),
        "how_drawn": comparison_maps.note(found.kind),
        "legend": _legend(found),
        "version": humanverse.__version__,
        "made": wording.time(datetime.now(UTC).isoformat()),
    }


def _head(found: Comparison) -> Iterator[tuple[str, str]]:
    yield "dataset", wording.without_password(found.url)
    yield "samples", f"{wording.count(found.compared)} compared of {wording.count(found.samples)}"
    yield "shards", wording.count(len(found.shards))
    if found.view:
        yield "view", found.view
    for layer, number in found.lacking.items():
        yield "left out", f"{wording.plural(number, 'committed shard')} without {layer}"


@dataclass(frozen=True)
class Maker:
    """What made one of the two layers, as the template shows it."""

    side: str
    layer: str
    model: str
    fingerprint: str
    made: str
    truth: bool


def _maker(label: str, side: Side) -> Maker:
    card = side.card
    return Maker(
        label,
        side.layer,
        wording.clean(model_of(card) or "not stated"),
        wording.clean(card.get("fingerprint", "")),
        wording.time(card.get("time", "not stated")),
        side.truth,
    )


@dataclass(frozen=True)
class ShownTable:
    """A table of texts; of each cell also whether it is a number."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[tuple[str, bool], ...], ...]
    note: str


def shown_table(table: Table) -> ShownTable:
    """``table`` as the templates show it."""
    rows = tuple(tuple(_cell(value) for value in row) for row in table.rows)
    return ShownTable(table.title, table.columns, rows, table.note)


def _cell(value: Cell) -> tuple[str, bool]:
    if isinstance(value, str):
        return wording.clean(value), False
    if value is None:
        return "–", True
    return (wording.count(value) if isinstance(value, int) else _decimals(value)), True


def _decimals(value: float) -> str:
    """Three decimals below 10, so that figures in a column stand under each other; else as elsewhere."""
    return f"{value:.3f}" if abs(value) < 10 and (value == 0 or abs(value) >= 0.001) else wording.figure(value)


def _chart(item: Distribution) -> Chart:
    return Chart(item.title, histogram(np.asarray(item.values), item.shape))


_LEGENDS: dict[str, Sequence[tuple[draw.Colour, str]]] = {
    "person": ((draw.BOX, "person that counts"), (draw.FAINT_BOX, "score too low to count")),
    "pose": (
        (draw.BOX, "person box"),
        (draw.FAINT_BOX, "score too low to count"),
        (draw.COLOURS["body", "left"], "the person's left"),
        (draw.COLOURS["body", "right"], "right"),
        (draw.COLOURS["body", "middle"], "middle"),
        (draw.COLOURS["face", "middle"], "face"),
    ),
}
"""What the colours of a kind's overlays mean."""


def _legend(found: Comparison) -> Sequence[tuple[draw.Colour, str]]:
    return _LEGENDS.get(found.kind, ())

"""The page about layers that are not made yet: what annotators say about some samples."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import humanverse
from humanverse.dataset.reader import Dataset
from humanverse.report import page, samples, wording, writing
from schemas.layers import ROW_STATUSES

REASONS_SHOWN = 5

Row = Mapping[str, Any]


@dataclass(frozen=True)
class LayerRows:
    """How the rows of one layer ended.

    Attributes:
        layer: ``<kind>/<name>``.
        model: which published model.
        licence: of the weights.
        settings: of the annotator, all that decide its rows.
        rows: by status.
        reasons: why rows say nothing, the most frequent first.
    """

    layer: str
    model: str
    licence: str
    settings: Mapping[str, Any]
    rows: Mapping[str, int]
    reasons: Sequence[tuple[str, int]]


@dataclass(frozen=True)
class Seen:
    """One sample and what was said about it.

    Attributes:
        shard: that holds it.
        position: in the shard's table.
        row: of the images table.
        said: its row of each layer, by kind; a dense kind's with the PNG as ``map``.
    """

    shard: int
    position: int
    row: Row
    said: Mapping[str, Row]


class _Reader(samples.Reader):
    """Cards of rows that are not in the dataset."""

    def png(self, kind: str, shard: int, row: Row) -> bytes | None:
        return row["map"] if "map" in row else super().png(kind, shard, row)


def write(
    dataset: Dataset,
    out: Path,
    shown: Mapping[str, str],
    seen: Sequence[Seen],
    layers: Sequence[LayerRows],
    head: Sequence[tuple[str, str]],
    total: int,
    command: str,
    adding: str,
) -> None:
    """Write the page: one HTML file that needs nothing else.

    Args:
        dataset: that the samples are of.
        out: a file that does not exist yet or is replaced; its folder must be there.
        shown: kind -> the layer that the samples' rows are of.
        seen: the samples.
        layers: what was made.
        head: (label, value) of the page's head.
        total: samples in the dataset.
        command: how to make the page again.
        adding: the command that adds the layers to the dataset.

    Raises:
        UserError: if ``out`` cannot be written.
    """
    counted_from = dataset.recipe.gate.person_score
    reader = _Reader(dataset, shown, counted_from)
    cards = [reader.card(item.shard, item.position, item.row, item.said) for item in seen]
    content = {
        "title": wording.without_password(dataset.store.url).rpartition("/")[2] or dataset.store.url,
        "head": [("dataset", wording.without_password(dataset.store.url)), *head],
        "statuses": ROW_STATUSES,
        "layers": [_cleaned(item) for item in layers],
        "cards": page.within_budget(cards),
        "legend": page.legend(counted_from),
        "total": total,
        "version": humanverse.__version__,
        "made": wording.time(datetime.now(UTC).isoformat()),
        "command": command,
        "adding": adding,
    }
    with writing.whole_file(out) as scratch:
        scratch.write_text(writing.render("preview.html", content), encoding="utf-8", errors="replace")


def _cleaned(item: LayerRows) -> dict[str, Any]:
    rows = {status: item.rows.get(status, 0) for status in ROW_STATUSES}
    reasons = [(wording.clean(reason), count) for reason, count in item.reasons[:REASONS_SHOWN]]
    model, licence = wording.clean(item.model), wording.clean(item.licence)
    settings = [(wording.clean(key), wording.clean(json.dumps(value))) for key, value in item.settings.items()]
    return {
        "layer": item.layer,
        "model": model,
        "licence": licence,
        "settings": settings,
        "rows": rows,
        "reasons": reasons,
    }

"""Put the report's page together."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import humanverse
from humanverse.dataset import layout, stats, status, view_counts
from humanverse.dataset.reader import Dataset
from humanverse.dataset.view_cards import Counts
from humanverse.errors import UserError
from humanverse.report import also, card, draw, figures, funnel, holdings, layers, wording, writing
from humanverse.report import samples as cards
from humanverse.sizes import size

PLAIN_BUDGET = 8_000_000
"""Bytes of pictures up to which each is in the page twice, with and without what was found."""

TALLIED = 8
"""Lines of a tally before the rest is put together."""


@dataclass(frozen=True)
class Tally:
    """Counts of things that are not numbers."""

    title: str
    items: tuple[tuple[str, int, float], ...]


def write(dataset: Dataset, out: Path, samples: int, view: str | None = None, layers: Sequence[str] = ()) -> None:
    """Write the report about ``dataset`` to ``out``: one HTML file that needs nothing else.

    Args:
        dataset: as it is now; it may be incomplete or empty.
        out: a file that does not exist yet or is replaced; its folder must be there.
        samples: how many pictures to show, at the most.
        view: only of the samples that it has.
        layers: ``<kind>/<name>`` or ``<kind>`` of those that samples are shown with, at the most one of a kind.

    Raises:
        UserError: if ``out`` cannot be written, or two layers of a kind are asked for.
        DatasetError: if the dataset is damaged, or has no such layer.
    """
    chosen = _chosen(dataset, layers)
    command = f"humanverse report {shlex.quote(wording.without_password(dataset.store.url))}"
    command += f" --out {shlex.quote(out.name)} --samples {samples}" + (f" --view {view}" if view else "")
    command += "".join(f" --layers {kind}={layer.partition('/')[2]}" for kind, layer in chosen.items())
    with writing.whole_file(out) as scratch:
        scratch.write_text(render(dataset, samples, command, view, chosen), encoding="utf-8", errors="replace")


def _chosen(dataset: Dataset, layers: Sequence[str]) -> dict[str, str]:
    """By kind the layer that was asked for."""
    chosen: dict[str, str] = {}
    for layer in map(dataset.resolve, layers):
        kind = layer.partition("/")[0]
        if chosen.setdefault(kind, layer) != layer:
            raise UserError(f"--layers: samples are shown with one {kind} layer: choose {chosen[kind]} or {layer}")
    return chosen


def render(
    dataset: Dataset, wanted: int, command: str, view: str | None = None, chosen: Mapping[str, str] | None = None
) -> str:
    """The page as HTML.

    Args:
        wanted: how many samples to show, at the most.
        command: how to make this page again, for its foot.
        view: only of the samples that it has.
        chosen: by kind the layer that samples are shown with, instead of the usual one.
    """
    return writing.render("page.html", {**_content(dataset, wanted, view, chosen or {}), "command": command})


def _content(dataset: Dataset, wanted: int, view: str | None, chosen: Mapping[str, str]) -> dict[str, Any]:
    """Everything the template shows, by the names it uses."""
    selection = dataset.select(view)
    found = status.status(dataset)
    series, counts = stats.collect(dataset, selection)
    held = holdings.read(dataset, selection)
    in_view = view_counts.count(selection, dataset.shards()) if view else None
    names = dataset.layers()
    facts = [layers.facts(dataset, layer, counts.get(f"{layer}.status", {})) for layer in names]
    shown = cards.shown_layers(dataset, {**selection.pins, **chosen})
    return {
        "title": wording.without_password(dataset.store.url).rpartition("/")[2] or dataset.store.url,
        "complete": found.complete,
        "view": view,
        "head": _head(dataset, found, in_view.samples if in_view else held.total, facts) + _view(view, in_view),
        "recipe": _recipe_yaml(dataset),
        "funnel": funnel.steps(found, in_view),
        "failed": funnel.reasons(found.failed, found.rows),
        "rejected": funnel.reasons(found.rejected, found.rows),
        "groups": figures.groups(series, names),
        "tallies": _tallies(counts) + _licences(held),
        "layers": facts,
        "shards": found.all_shards,
        "judged": card.sampled(dataset, held.samples, view),
        "also": also.read(dataset, found),
        "unknown_layers": layers.unknown(dataset),
        "cards": within_budget(cards.read(dataset, shown, held.samples, wanted, selection)),
        "shown_layers": shown,
        "total": held.total,
        "legend": legend(dataset.recipe.gate.person_score),
        "version": humanverse.__version__,
        "made": wording.time(datetime.now(UTC).isoformat()),
    }


def _head(
    dataset: Dataset, found: status.Status, held: int, facts: Sequence[layers.LayerFacts]
) -> list[tuple[str, str]]:
    source = dataset.source
    lines = [
        ("dataset", wording.without_password(found.url)),
        ("shards", _shards(found)),
        *([("tried again", _supplementary(found))] if found.planned_supplementary_shards else []),
        *([("merged", _merged(found, int(source["rows"])))] if found.planned_merged_shards else []),
        (
            "source",
            f"{wording.clean(source.get('kind', 'kind not stated'))}, {wording.plural(int(source['rows']), 'row')}",
        ),
        ("samples", wording.count(held)),
        ("size", f"{size(found.bytes)} in all files"),
        ("format", f"version {layout.FORMAT}"),
    ]
    made = sorted({item.made for item in facts})
    return [*lines, ("layers made", " to ".join(made if len(made) < 2 else (made[0], made[-1])))] if made else lines


def _shards(found: status.Status) -> str:
    others = found.planned_supplementary_shards + found.planned_merged_shards
    told = f"{wording.count(found.all_shards)} of {wording.count(found.planned_shards + others)} committed"
    if not others:
        return told
    return f"{told}; of the source {wording.count(found.shards)} of {wording.count(found.planned_shards)}"


def _view(name: str | None, counts: Counts | None) -> list[tuple[str, str]]:
    if not counts:
        return []
    return [
        ("view", f"{name}: {wording.count(counts.kept)} of the samples; all figures and pictures below are of them")
    ]


def _merged(found: status.Status, of_source: int) -> str:
    done, planned = found.merged_shards, wording.plural(found.planned_merged_shards, "shard")
    rows = wording.plural(found.planned_rows - of_source, "row")
    return f"{wording.count(done)} of {planned} from other datasets committed, {rows} beside those of the source"


def _supplementary(found: status.Status) -> str:
    planned = wording.plural(found.planned_supplementary_shards, "supplementary shard")
    return f"{wording.count(found.supplementary_shards)} of {planned} committed"


def _recipe_yaml(dataset: Dataset) -> str:
    """The recipe as it was resolved, a password in its proxy left out."""
    import yaml

    settings = dataset.recipe.model_dump(mode="json")
    if settings["fetch"]["proxy"]:
        settings["fetch"]["proxy"] = wording.without_password(settings["fetch"]["proxy"])
    return yaml.safe_dump(settings, sort_keys=False, allow_unicode=True)


def _tally(title: str, counts: Mapping[str, int]) -> Tally:
    """``counts`` by size, those beyond ``TALLIED`` in one line."""
    total = sum(counts.values())
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    if rest := sum(rows for _, rows in ordered[TALLIED:]):
        ordered = [*ordered[:TALLIED], ("all others", rest)]
    return Tally(title, tuple((wording.clean(value, limit=80), rows, rows / total) for value, rows in ordered))


def _tallies(counts: Mapping[str, Mapping[str, int]]) -> list[Tally]:
    """What is counted and not measured, row statuses left to the table of layers."""
    named = {name.partition(".")[2].replace("_", " "): items for name, items in sorted(counts.items())}
    return [_tally(name, items) for name, items in named.items() if name != "status" and items]


def _licences(held: holdings.Holdings) -> list[Tally]:
    named = sorted(held.licences.items())
    return [_tally(f"{wording.clean(column)}, as the source states it", values) for column, values in named if values]


def within_budget(shown: list[cards.Card]) -> list[cards.Card]:
    """``shown``, without the plain pictures if all pictures together exceed ``PLAIN_BUDGET``."""
    pictures = [picture for card in shown for picture in (card.plain, card.drawn, *card.maps) if picture]
    if sum(len(picture.uri) for picture in pictures) <= PLAIN_BUDGET:
        return shown
    return [replace(card, plain=None) for card in shown]


def legend(counted_from: float) -> list[tuple[tuple[int, int, int], str]]:
    """Colours of what is drawn, with words; ``counted_from`` is the score from which a box counts as a person."""
    return [
        (draw.BOX, f"person, score ≥ {counted_from:g}"),
        (draw.FAINT_BOX, "lower score, not counted"),
        (draw.COLOURS["body", "left"], "the person's left"),
        (draw.COLOURS["body", "right"], "right"),
        (draw.COLOURS["body", "middle"], "middle"),
        (draw.COLOURS["face", "middle"], "face"),
        (draw.TEXT, "written text"),
    ]

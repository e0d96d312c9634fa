"""The samples on which two layers differ most, as the page shows them: what A says on the left, what B says on the right."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
from PIL import Image

from humanverse.compare.measure import Row, Said, Side
from humanverse.compare.people import people_of
from humanverse.compare.run import Comparison, Worst
from humanverse.compare.scalars import COLUMNS
from humanverse.dataset.reader import Dataset
from humanverse.errors import UserError, one_line
from humanverse.report import comparison_maps, maps
from humanverse.report.comparison_maps import Drawn
from humanverse.report.samples import COVERED_FROM, Embedded, annotated, embed, shown_layers, small
from humanverse.report.wording import clean, figure, is_web_link
from schemas.layers import OK

SAFETY = "safety"
IMAGES = "images"


@dataclass(frozen=True)
class Answer:
    """What one layer says about a sample.

    Attributes:
        label: which layer it is.
        picture: with what was found on it, or the dense map; None for a kind that only has texts.
        facts: (name, text).
    """

    label: str
    picture: Embedded | None
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Card:
    """One sample; all texts are cleaned and not yet escaped.

    Attributes:
        value: by how much the two differ on it.
        plain: the picture as it is, for kinds that are not drawn on it.
        problem: why there is no picture.
        covered: whether it is blurred at first.
    """

    uid: str
    url: str
    is_link: bool
    place: str
    value: str
    plain: Embedded | None
    answers: tuple[Answer, ...]
    problem: str
    covered: bool


@dataclass(frozen=True)
class _Drawing:
    """What an answer is drawn from."""

    rgb: np.ndarray
    image: Row
    row: Row
    read: Mapping[str, Row]
    png: Callable[[], bytes | None]
    counted_from: float


def _boxes(item: _Drawing) -> np.ndarray:
    return annotated(item.rgb, item.image, {"person": item.row}, item.counted_from)


def _skeletons(item: _Drawing) -> np.ndarray:
    return annotated(item.rgb, item.image, {**item.read, "pose": item.row}, item.counted_from)


def _on_picture(draw: Callable[[_Drawing], np.ndarray], a: _Drawing, b: _Drawing) -> list[Drawn | None]:
    return [Drawn(draw(item)) for item in (a, b)]


def _maps(kind: str, a: _Drawing, b: _Drawing) -> list[Drawn | None]:
    pair = Said(a.row, a.read, a.png), Said(b.row, b.read, b.png)
    return comparison_maps.draw(kind, pair, a.image, a.rgb.shape)


DRAWN: dict[str, Callable[[_Drawing, _Drawing], list[Drawn | None]]] = {
    "person": partial(_on_picture, _boxes),
    "pose": partial(_on_picture, _skeletons),
    **{kind: partial(_maps, kind) for kind in maps.VIEWS},
}
"""Kinds of which answers are pictures: what A says, what B says."""
WITH_PLAIN = frozenset(maps.VIEWS)
"""Of those, the kinds beside which the picture as it is stands too."""


Facts = Callable[[_Drawing], Iterator[tuple[str, str]]]


def _number_facts(columns: tuple[str, ...]) -> Facts:
    def facts(item: _Drawing) -> Iterator[tuple[str, str]]:
        for name in columns:
            value = item.row[name]
            yield name, "none" if value is None else (str(value) if isinstance(value, bool) else figure(value))

    return facts


def _person_facts(item: _Drawing) -> Iterator[tuple[str, str]]:
    yield from _people_facts("boxes", item.row, len(item.row["boxes"]), item.counted_from)


def _pose_facts(item: _Drawing) -> Iterator[tuple[str, str]]:
    yield from _people_facts("poses", item.read.get("person"), len(item.row["keypoints"]), item.counted_from)


def _people_facts(what: str, person: Row | None, number: int, counted_from: float) -> Iterator[tuple[str, str]]:
    """How many of ``number`` count as people in the figures; all do if nothing is known of their boxes."""
    if person is not None:
        people = people_of(person)
        counted = int(((people.scores >= counted_from) & ~people.crowd).sum())
        if counted < number:
            yield what, f"{counted}, and {number - counted} that do not count"
            return
    yield what, str(number)


def _caption_facts(item: _Drawing) -> Iterator[tuple[str, str]]:
    yield "text", clean(item.row["text"] or "")


def _depth_facts(item: _Drawing) -> Iterator[tuple[str, str]]:
    row = item.row
    yield "depth", clean(row["depth_kind"] or "kind not stated")
    yield "from", f"{figure(row['minimum'])} to {figure(row['maximum'])} {clean(row['unit'] or '')}".strip()


FACTS: dict[str, Facts] = {
    "person": _person_facts,
    "pose": _pose_facts,
    "caption": _caption_facts,
    "depth": _depth_facts,
    **{kind: _number_facts(columns) for kind, columns in COLUMNS.items()},
}


class _Reader:
    """Reads what the cards need."""

    def __init__(self, dataset: Dataset, found: Comparison) -> None:
        self._dataset, self._found = dataset, found
        safety = shown_layers(dataset).get(SAFETY)
        layers = {layer for side in (found.a, found.b) for layer in (side.layer, *side.reads.values())}
        self._safety = safety
        self._tables: dict[str, pa.Table] = {}
        self._there = {layer: dataset.layer_shards(layer) for layer in {*layers, *([safety] if safety else [])}}

    def cards(self, shard: int, items: Sequence[Worst]) -> list[Card]:
        """The cards of samples of one shard; its tables are read once."""
        self._tables = {}
        return [self._card(item) for item in items if item.uid not in self._dataset.tombstones]

    def _card(self, item: Worst) -> Card:
        image = self._row(IMAGES, item)
        url = clean(item.url or "", limit=2000)
        plain: Embedded | None = None
        answers: tuple[Answer, ...] = ()
        problem = ""
        try:
            plain, answers = self._answers(item, image)
        except (OSError, ValueError, UserError, Image.DecompressionBombError) as error:
            problem = f"the picture cannot be shown: {clean(one_line(error))}"
        return Card(
            item.uid,
            url,
            is_web_link(url),
            f"shard {item.shard}, sample {item.position}",
            figure(item.value),
            plain,
            answers,
            problem,
            self._covered(item),
        )

    def _table(self, name: str, shard: int) -> pa.Table:
        """The images table of a shard, or a layer's."""
        if name not in self._tables:
            images = name == IMAGES
            self._tables[name] = self._dataset.images(shard) if images else self._dataset.layer(name, shard)
        return self._tables[name]

    def _row(self, name: str, item: Worst) -> dict[str, Any]:
        table = self._table(name, item.shard)
        row: dict[str, Any] = table.slice(table.column("uid").to_pylist().index(item.uid), 1).to_pylist()[0]
        return row

    def _said(self, layer: str, item: Worst) -> dict[str, Any] | None:
        """A layer's row of the sample, if it says something."""
        if item.shard not in self._there[layer]:
            return None
        row = self._row(layer, item)
        return row if row["status"] == OK else None

    def _covered(self, item: Worst) -> bool:
        layers = {
            self._safety,
            *(side.layer for side in (self._found.a, self._found.b) if side.layer.startswith(SAFETY)),
        }
        rows = [self._said(layer, item) for layer in layers if layer]
        return any(row["unsafe"] >= COVERED_FROM for row in rows if row)

    def _answers(self, item: Worst, image: Row) -> tuple[Embedded | None, tuple[Answer, ...]]:
        rgb = small(self._dataset.jpeg(item.shard, image))
        kind = self._found.kind
        plain = embed(rgb, "the picture") if kind not in DRAWN or kind in WITH_PLAIN else None
        a, b = (self._drawing(side, item, image, rgb) for side in (self._found.a, self._found.b))
        pictures = DRAWN[kind](a, b) if kind in DRAWN else [None, None]
        sides = (("A", self._found.a, a, pictures[0]), ("B", self._found.b, b, pictures[1]))
        return plain, tuple(self._answer(*one) for one in sides)

    def _drawing(self, side: Side, item: Worst, image: Row, rgb: np.ndarray) -> _Drawing:
        row = self._said(side.layer, item) or {}
        read = {kind: said for kind, layer in side.reads.items() if (said := self._said(layer, item))}
        counted_from = 0.0 if side.truth else side.counted_from
        return _Drawing(rgb, image, row, read, lambda: self._dataset.map_png(side.layer, item.shard, row), counted_from)

    def _answer(self, label: str, side: Side, drawing: _Drawing, drawn: Drawn | None) -> Answer:
        facts = FACTS.get(self._found.kind)
        colours = maps.legend(self._found.kind, drawing.row) if drawing.row else []
        picture = embed(drawn.rgb, f"{label}: {side.layer}", colours) if drawn else None
        told = tuple(facts(drawing)) if facts else ()
        return Answer(f"{label}: {side.layer.partition('/')[2]}", picture, (*told, *(drawn.facts if drawn else ())))


def cards(dataset: Dataset, found: Comparison) -> list[Card]:
    """Cards of the worst samples of ``found``, in order; those that were removed meanwhile are left out."""
    reader = _Reader(dataset, found)
    of_shard: dict[int, list[Worst]] = {}
    for item in found.worst:
        of_shard.setdefault(item.shard, []).append(item)
    made = {(shard, card.uid): card for shard, items in of_shard.items() for card in reader.cards(shard, items)}
    return [made[item.shard, item.uid] for item in found.worst if (item.shard, item.uid) in made]

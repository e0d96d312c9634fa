"""Second stage: every layer that the gate did not make already, in the order of what needs what."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pyarrow as pa
from pydantic import ValidationError

from annotators import registry
from annotators.base import Annotator, Picture
from annotators.run import parts
from humanverse.dataset.shard import Shard
from humanverse.errors import UserError
from humanverse.memory import keep_freed
from pipelines.stages.base import Count
from pipelines.stages.making import Makers, areas
from schemas.images import JPEG
from schemas.recipe import AnnotatorSettings, explain

GATE = "person"
"""The kind that every recipe has, since the gate counts people with it."""


def _make_one(kind: str, item: AnnotatorSettings, device: str) -> Annotator:
    wanted = registry.get(kind, item.name)
    try:
        settings = wanted.Settings.model_validate(item.settings)
    except ValidationError as error:
        raise UserError(f"recipe: {explain(error, ('annotators', kind, 'settings'))}") from error
    return wanted(settings, device)


def make(chosen: Mapping[str, AnnotatorSettings], device: str) -> dict[str, Annotator]:
    """The annotators of a recipe by kind, not yet loaded, each after those that it needs.

    Raises:
        UserError: if one is unknown, its settings are wrong, or a kind that it needs is not in the recipe.
    """
    made = {kind: _make_one(kind, item, device) for kind, item in chosen.items()}

    def missing(annotator: Annotator, kind: str) -> None:
        problem = f"{annotator.card.layer} needs a {kind} layer: add annotators.{kind} to the recipe"
        without = ", ".join(f"{one}: null" for one in sorted({kind, *_needing(made, kind)}))
        instead = "" if kind == GATE else f", or leave out what needs it too: annotators: {{{without}}}"
        raise UserError(f"{problem}{instead}")

    return in_order(made, missing)


def _needing(made: Mapping[str, Annotator], kind: str) -> set[str]:
    """The kinds that need ``kind``, or one that does."""
    found = {kind}
    while more := {one for one, annotator in made.items() if one not in found and found & {*annotator.card.needs}}:
        found |= more
    return found - {kind}


def in_order(made: Mapping[str, Annotator], elsewhere: Callable[[Annotator, str], None]) -> dict[str, Annotator]:
    """``made`` by kind, each after those that it needs.

    Args:
        elsewhere: told of each annotator that needs a kind that is not in ``made``.

    Raises:
        UserError: if they need each other in a circle.
    """
    ordered: dict[str, Annotator] = {}

    def place(kind: str, path: tuple[str, ...]) -> None:
        if kind in ordered:
            return
        if kind in path:
            raise UserError(f"annotators need each other in a circle: {' -> '.join((*path, kind))}")
        for need in made[kind].card.needs:
            if need in made:
                place(need, (*path, kind))
            else:
                elsewhere(made[kind], need)
        ordered[kind] = made[kind]

    for kind in sorted(made):
        place(kind, ())
    return ordered


def provenances(ordered: Mapping[str, Annotator]) -> dict[str, dict]:
    """``layer.json`` of each annotator by kind; ``ordered`` as ``make`` gives it."""
    cards: dict[str, dict] = {}
    for kind, annotator in ordered.items():
        needs = annotator.card.needs
        made_by = annotator.provenance({need: cards[need]["fingerprint"] for need in needs})
        reads = {need: ordered[need].card.layer for need in sorted(needs)}
        cards[kind] = {**made_by, "reads": reads, "asked": asked(annotator, annotator.card.name)}
    return cards


def asked(annotator: Annotator, name: str, weights: Sequence[str] = ()) -> dict[str, Any]:
    """What ``humanverse.dataset.asking`` reads in ``layer.json``.

    Args:
        name: what it was asked for by.
        weights: that were given to stand in for its own.
    """
    settings = annotator.settings.model_dump(mode="json", exclude_unset=True)
    return {"annotator": name, "settings": settings, "weights": list(weights)}


class Annotate:
    """Adds layers to a shard.

    Args:
        chosen: the recipe's annotators, all of them.
        kinds: which of them this stage makes; the others are there already.
        device: where the models run.
    """

    name = "annotate"

    def __init__(self, chosen: Mapping[str, AnnotatorSettings], kinds: Sequence[str], device: str) -> None:
        self.chosen, self.kinds, self.device = dict(chosen), list(kinds), device

    def setup(self, count: Count) -> None:
        keep_freed()
        self._count = count
        ordered = make(self.chosen, self.device)
        self._made = {kind: ordered[kind] for kind in ordered if kind in self.kinds}
        self._makers = Makers(self._made)
        self._makers.load()

    def process(self, item: Shard) -> Shard:
        made: dict[str, list[pa.Table]] = {kind: [] for kind in self._made}
        for part in list(parts(areas(item.images))) or [range(0)]:
            for kind, table in self._annotated(item, part).items():
                made[kind].append(table)
        for kind, annotator in self._made.items():
            item.layers[annotator.card.layer] = pa.concat_tables(made[kind])
        return item

    def _annotated(self, item: Shard, part: range) -> dict[str, pa.Table]:
        """The new layers' rows of some pictures."""
        rows = item.images.select(["uid", JPEG.name, "caption"]).slice(part.start, len(part))
        columns = (rows.column(name).to_pylist() for name in rows.column_names)
        pictures = [Picture(*said) for said in zip(*columns, strict=True)]
        said = {
            layer.partition("/")[0]: table.slice(part.start, len(part)).to_pylist()
            for layer, table in item.layers.items()
        }
        return self._makers.tables(pictures, said, self.kinds, lambda rows: self._count(annotated=rows))

"""Second stage: every layer that the gate did not make already, in the order of what needs what."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from pydantic import ValidationError

from annotators import registry
from annotators.base import Annotator, Picture
from annotators.run import parts
from annotators.weights import Weight, standing_in
from humanverse.dataset.shard import Shard
from humanverse.errors import UserError
from humanverse.memory import keep_freed
from humanverse.report.wording import without_password
from pipelines.outpaint import applied, told
from pipelines.stages.base import Count
from pipelines.stages.making import Makers, areas
from schemas.images import JPEG
from schemas.recipe import AnnotatorSettings, explain
from schemas.recipe_annotators import Chosen, layers, places
from schemas.recipe_outpaint import OutpaintSettings

GATE = "person"
"""The kind that every recipe has, since the gate counts people with it."""


@dataclass(frozen=True)
class Pin:
    """What an annotator was settled to be before the work began: whoever makes it elsewhere makes the same.

    Attributes:
        weights: of the card's, those that others stand in for.
        deciding: the settings that its layer's fingerprint is made of.
    """

    weights: Mapping[Weight, Weight]
    deciding: Mapping[str, Any]


Pins = Mapping[str, Pin]
"""By place; see ``pins``."""


def _make_one(place: str, item: AnnotatorSettings, device: str, pinned: Mapping[Weight, Weight]) -> Annotator:
    kind = place.partition("/")[0]
    wanted = registry.get(kind, item.name)
    try:
        settings = wanted.Settings.model_validate(item.settings)
    except ValidationError as error:
        raise UserError(f"recipe: {explain(error, ('annotators', kind, 'settings'), wanted.Settings)}") from error
    given = (
        {}
        if pinned
        else {old: new for text in item.weights for old, new in standing_in(wanted.card.weights, text).items()}
    )
    return wanted(settings, device, {**given, **pinned})


def make(
    chosen: Chosen, device: str, pinned: Pins | None = None, outpaint: OutpaintSettings | None = None
) -> dict[str, Annotator]:
    """The annotators of a recipe by place (see ``schemas.recipe_annotators.places``), not yet loaded, each after those that it
    needs: these are the first of their kinds.

    Args:
        chosen: of a recipe.
        device: where they will run.
        pinned: what was settled on before.
        outpaint: which of them look at larger canvases; None for none.

    Raises:
        UserError: if one is unknown, its settings are wrong, or a kind that it needs is not in the recipe.
    """
    weights = {place: pin.weights for place, pin in (pinned or {}).items()}
    bare = {place: _make_one(place, item, device, weights.get(place, {})) for place, _, item in places(chosen)}
    settled = {old: new for of_one in weights.values() for old, new in of_one.items()}
    made = applied(bare, outpaint, device, settled)

    def missing(annotator: Annotator, kind: str) -> None:
        problem = f"{annotator.card.layer} needs a {kind} layer: add annotators.{kind} to the recipe"
        without = ", ".join(f"{one}: null" for one in sorted({kind, *_needing(made, kind)}))
        instead = "" if kind == GATE else f", or leave out what needs it too: annotators: {{{without}}}"
        raise UserError(f"{problem}{instead}")

    return in_order(made, missing)


def pins(made: Mapping[str, Annotator]) -> dict[str, Pin]:
    """What annotators have settled to be, by place."""
    return {
        place: Pin(dict(zip(one.card.weights, one.weights, strict=True)), one.deciding()) for place, one in made.items()
    }


def settings_of(pinned: Pins | None) -> dict[str, Mapping[str, Any]]:
    """By place, what ``pipelines.stages.making.load`` holds annotators to."""
    return {place: pin.deciding for place, pin in (pinned or {}).items()}


def _needing(made: Mapping[str, Annotator], kind: str) -> set[str]:
    """The kinds that need ``kind``, or one that does."""
    found = {kind}
    wanted = {place.partition("/")[0]: set[str]() for place in made}
    for place, annotator in made.items():
        wanted[place.partition("/")[0]] |= {*annotator.card.needs}
    while more := {one for one, needs in wanted.items() if one not in found and found & needs}:
        found |= more
    return found - {kind}


def in_order(made: Mapping[str, Annotator], elsewhere: Callable[[Annotator, str], None]) -> dict[str, Annotator]:
    """``made`` by kind or place, each after those that it needs.

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


def provenances(
    ordered: Mapping[str, Annotator], chosen: Chosen, outpaint: OutpaintSettings | None = None
) -> dict[str, dict]:
    """``layer.json`` of each annotator by place; ``ordered`` as ``make`` gives it for ``chosen`` and ``outpaint``."""
    cards: dict[str, dict] = {}
    named = layers(chosen)
    items = {place: item for place, _, item in places(chosen)}
    for place, annotator in ordered.items():
        needs = annotator.card.needs
        made_by = annotator.provenance({need: cards[need]["fingerprint"] for need in needs})
        reads = {need: named[need] for need in sorted(needs)}
        weights = [without_password(text) for text in items[place].weights]
        said = {**asked(annotator, annotator.card.name, weights), **told(annotator, outpaint)}
        cards[place] = {**made_by, "reads": reads, "asked": said}
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
        made: places of those that this stage makes; the others are there already.
        device: where the models run.
        pinned: what they were settled to be.
        outpaint: which of them look at larger canvases; None for none.
    """

    name = "annotate"

    def __init__(
        self,
        chosen: Chosen,
        made: Sequence[str],
        device: str,
        pinned: Pins | None = None,
        outpaint: OutpaintSettings | None = None,
    ) -> None:
        self.chosen, self.places, self.device, self.pinned = dict(chosen), list(made), device, pinned
        self.outpaint = outpaint

    def setup(self, count: Count) -> None:
        keep_freed()
        self._count = count
        ordered = make(self.chosen, self.device, self.pinned, self.outpaint)
        self._made = {place: ordered[place] for place in ordered if place in self.places}
        self._makers = Makers(self._made, settings_of(self.pinned))
        self._makers.load()

    def process(self, item: Shard) -> Shard:
        made: dict[str, list[pa.Table]] = {place: [] for place in self._made}
        for part in list(parts(areas(item.images))) or [range(0)]:
            for place, table in self._annotated(item, part).items():
                made[place].append(table)
        named = layers(self.chosen)
        for place in self._made:
            item.layers[named[place]] = pa.concat_tables(made[place])
        return item

    def _annotated(self, item: Shard, part: range) -> dict[str, pa.Table]:
        """The new layers' rows of some pictures."""
        rows = item.images.select(["uid", JPEG.name, "caption"]).slice(part.start, len(part))
        columns = (rows.column(name).to_pylist() for name in rows.column_names)
        pictures = [Picture(*said) for said in zip(*columns, strict=True)]
        first = {layer: place for place, layer in layers(self.chosen).items()}
        said = {first[layer]: table.slice(part.start, len(part)).to_pylist() for layer, table in item.layers.items()}
        return self._makers.tables(pictures, said, self.places, lambda rows: self._count(annotated=rows))

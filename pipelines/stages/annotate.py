"""Second stage: every layer that the gate did not make already, in the order of what needs what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import ValidationError

from annotators import registry
from annotators.base import Annotator, Picture
from annotators.run import Runner, parts
from humanverse.dataset.shard import Shard
from humanverse.errors import UserError
from humanverse.memory import keep_freed
from pipelines.stages.base import Count
from schemas.images import JPEG
from schemas.recipe import AnnotatorSettings, explain


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
    ordered: dict[str, Annotator] = {}

    def place(kind: str, path: tuple[str, ...]) -> None:
        if kind in ordered:
            return
        if kind not in made:
            raise UserError(f"{made[path[-1]].card.layer} needs a {kind} layer: add annotators.{kind} to the recipe")
        if kind in path:
            raise UserError(f"annotators need each other in a circle: {' -> '.join((*path, kind))}")
        for need in made[kind].card.needs:
            place(need, (*path, kind))
        ordered[kind] = made[kind]

    for kind in sorted(made):
        place(kind, ())
    return ordered


def provenances(ordered: Mapping[str, Annotator]) -> dict[str, dict]:
    """``layer.json`` of each annotator by kind; ``ordered`` as ``make`` gives it."""
    cards: dict[str, dict] = {}
    for kind, annotator in ordered.items():
        cards[kind] = annotator.provenance({need: cards[need]["fingerprint"] for need in annotator.card.needs})
    return cards


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
        self._runners = {kind: Runner(ordered[kind]) for kind in ordered if kind in self.kinds}
        for runner in self._runners.values():
            runner.annotator.load()

    def process(self, item: Shard) -> Shard:
        made: dict[str, list[pa.Table]] = {kind: [] for kind in self._runners}
        areas = pc.multiply(*(item.images.column(name).cast(pa.int64()) for name in ("width", "height")))
        for part in parts(areas.to_pylist()):
            for kind, table in self._annotated(item, part).items():
                made[kind].append(table)
        for kind, runner in self._runners.items():
            item.layers[runner.annotator.card.layer] = (
                pa.concat_tables(made[kind]) if made[kind] else runner.table([], {})
            )
        return item

    def _annotated(self, item: Shard, part: range) -> dict[str, pa.Table]:
        """The new layers' rows of some pictures, each decoded once for all of them."""
        jpegs = item.images.column(JPEG.name).slice(part.start, len(part)).to_pylist()
        pictures = [Picture(item.uids[at], jpeg) for at, jpeg in zip(part, jpegs, strict=True)]
        said = {
            layer.partition("/")[0]: table.slice(part.start, len(part)).to_pylist()
            for layer, table in item.layers.items()
        }
        tables = {}
        for kind, runner in self._runners.items():
            needs = {need: said[need] for need in runner.annotator.card.needs}
            tables[kind] = runner.table(pictures, needs, lambda pictures_done: self._count(annotated=pictures_done))
            said[kind] = tables[kind].to_pylist()
        return tables

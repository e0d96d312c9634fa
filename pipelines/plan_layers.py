"""From what was asked for to layers that can be made: which annotator, with which settings and weights, reading which layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from annotators import registry
from annotators.base import Annotator, Card
from annotators.fetching import fetch, users
from annotators.weights import Weight, given, standing_in, stood_for
from humanverse.dataset import asking, create
from humanverse.dataset.reader import Dataset
from humanverse.dataset.views import NAME
from humanverse.errors import DatasetError, UserError
from humanverse.report.wording import without_password
from pipelines.outpaint import NONE, applied, check_place, told
from pipelines.progress import say
from pipelines.stages.add_layers import Addition
from pipelines.stages.annotate import asked as in_card
from pipelines.stages.annotate import in_order
from schemas.given_places import absolute
from schemas.layers import KINDS
from schemas.recipe import AnnotatorSettings, explain, load
from schemas.recipe_outpaint import OUTPAINT, OutpaintSettings


@dataclass(frozen=True)
class Asked:
    """What the user said.

    Attributes:
        annotators: kind -> the annotator's name or ``module:Class``; None for the usual one.
        names: kind -> the layer's name, where it is not the annotator's.
        settings: kind -> setting -> value, beyond the usual ones.
        weights: (kind or None, path) of files that stand in for the annotators' own.
        reads: kind -> the name of the layer that is read.
        outpaint: what grows the pictures before they are looked at; its ``settings`` and ``weights`` are under ``outpaint``, and
            ``kinds`` and ``cache`` of the recipe's section are among these settings. None for the recipe's, ``none`` for nothing.
    """

    annotators: Mapping[str, str | None]
    names: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    weights: Sequence[tuple[str | None, str]] = ()
    reads: Mapping[str, str] = field(default_factory=dict)
    outpaint: str | None = None


def words(asked: Asked, annotators: Mapping[str, str]) -> list[str]:
    """What ``humanverse annotate DATASET`` is told to be asked the same.

    Args:
        annotators: kind -> the annotator's name, for kinds where the user gave none.
    """
    kinds = [f"{kind}={name or annotators[kind]}" for kind, name in asked.annotators.items()]
    more = [
        word
        for kind in asked.annotators
        for word in asking.options(
            kind,
            asked.settings.get(kind),
            [without_password(absolute(path)) for of_kind, path in asked.weights if of_kind in (None, kind)],
            asked.names.get(kind),
        )
    ]
    given = [without_password(absolute(path)) for of_kind, path in asked.weights if of_kind == OUTPAINT]
    grown = {"name": asked.outpaint, "settings": asked.settings.get(OUTPAINT), "weights": given}
    more += asking.outpainting(grown if asked.outpaint else None)
    return [*kinds, *more, *(word for kind, name in asked.reads.items() for word in ("--reads", f"{kind}={name}"))]


@dataclass(frozen=True)
class Plan:
    """Layers that can be made.

    Attributes:
        additions: by kind, each after those that it needs.
        reads: kind -> the layer (``<kind>/<name>``) that is read, of the kinds that are needed and not added.
        cards: kind -> ``layer.json`` but for code and time.
    """

    additions: dict[str, Addition]
    reads: dict[str, str]
    cards: dict[str, dict[str, Any]]

    @property
    def layers(self) -> list[str]:
        return [addition.layer for addition in self.additions.values()]


def plan(dataset: Dataset, asked: Asked, device: str, writing: bool = True) -> Plan:
    """Check everything that can be checked before a model is loaded; writes nothing.

    Args:
        dataset: that the layers are for.
        asked: what the user said.
        device: where the models will run.
        writing: whether the layers will be written, so that one of the same name must have been made by the same.

    Raises:
        UserError: for whatever the user can mend.
    """
    _check_kinds(asked)
    classes = {kind: _class(dataset, asked, kind) for kind in asked.annotators}
    _check_unnamed(asked, classes)
    bare = {kind: _annotator(dataset, asked, found, device) for kind, found in classes.items()}
    section = _outpaint(dataset, asked, bare)
    check_place(section, dataset.store.url)
    made = applied(bare, section, device)
    reads: dict[str, str] = {}

    def elsewhere(annotator: Annotator, need: str) -> None:
        own = _layer(asked, annotator)
        reads.setdefault(need, _layer_to_read(dataset, asked, own, need))

    ordered = in_order(made, elsewhere)
    _check_reads(asked, made, reads)
    fetch({weight: by for weight, by in users(ordered.values()).items() if not weight.sha256}, say)
    additions = {kind: Addition(_layer(asked, annotator), annotator) for kind, annotator in ordered.items()}
    cards = _cards(dataset, asked, additions, reads, section)
    for kind, addition in additions.items() if writing else ():
        _check_place(dataset, addition.layer, cards[kind])
    return Plan(additions, reads, cards)


def _check_place(dataset: Dataset, layer: str, card: Mapping[str, Any]) -> None:
    """Raise UserError if what is there of a layer was made by something else, or nobody knows by what."""
    shards = dataset.layer_shards(layer)
    drop = f"humanverse drop {dataset.store.url} {layer.replace('/', '=')}"
    try:
        there = create.check_layer(dataset.store, layer, card)
    except DatasetError as error:
        if shards:
            raise
        raise DatasetError(f"{error}; or {drop} first, for it has no rows yet") from error
    if shards and not there:
        raise UserError(
            f"layer {layer} has shards and no layer.json, as a drop leaves it that was stopped: run {drop} first"
        )


def _check_kinds(asked: Asked) -> None:
    """Raise UserError if anything is said about a kind that is not being made."""
    for kind in asked.annotators:
        if kind not in KINDS:
            raise UserError(f"there is no kind {kind!r}: choose from {', '.join(KINDS)}")
    for option, kinds in (
        ("--as", [*asked.names]),
        ("--set", [*asked.settings]),
        ("--weights", [*dict(asked.weights)]),
    ):
        for named in kinds:
            if named == OUTPAINT and asked.outpaint in (None, NONE):
                raise UserError(f"{option} {OUTPAINT}: nothing is outpainted: add --outpaint NAME to the command")
            if named not in (None, OUTPAINT, *asked.annotators):
                raise UserError(f"{option} {named}: no layer of that kind is asked for: add {named} to the command")
    for kind, name in asked.names.items():
        if not NAME.fullmatch(name):
            raise UserError(f"--as {kind}={name}: a layer's name has lower-case letters, digits, - and _")


def _check_unnamed(asked: Asked, classes: Mapping[str, type[Annotator]]) -> None:
    """Raise UserError if weights are given for no kind in particular, and do not stand in for one and the same weight in all."""
    for text in (text for kind, text in asked.weights if kind is None and len(classes) > 1):
        own = given(text)
        replaced = {stood_for(found.card.weights, own) for found in classes.values()}
        if len(replaced) > 1 or None in replaced:
            raise UserError(
                f"--weights {without_password(text)}: say for which of {', '.join(classes)} they are, as KIND=WEIGHTS"
            )


def _class(dataset: Dataset, asked: Asked, kind: str) -> type[Annotator]:
    name = asked.annotators[kind]
    return registry.find(kind, name) if name else registry.get(kind, _usual(dataset, asked, kind))


def _annotator(dataset: Dataset, asked: Asked, found: type[Annotator], device: str) -> Annotator:
    kind = found.card.kind
    usual = _in_recipe(dataset, asked, found.card)
    base = usual.settings if usual else {}
    try:
        settings = found.Settings.model_validate({**base, **asked.settings.get(kind, {})})
    except ValidationError as error:
        raise UserError(f"--set {explain(error, (kind,), found.Settings)}") from error
    weights: dict[Weight, Weight] = {}
    for path in _weights(dataset, asked, found.card):
        weights |= standing_in(found.card.weights, path)
    made = found(settings, device, weights)
    registry.require_packages(made.card, made.weights)
    return made


def _outpaint(dataset: Dataset, asked: Asked, made: Mapping[str, Annotator]) -> OutpaintSettings | None:
    """How pictures are grown: as asked for, over the recipe's if it names the same; else as the recipe has it for its own.

    Args:
        made: what was asked for, by kind.
    """
    usual = dataset.recipe.outpaint
    if asked.outpaint is None:
        kinds = tuple(kind for kind in (usual.kinds if usual else ()) if kind in made)
        of_recipe = tuple(kind for kind in kinds if _in_recipe(dataset, asked, made[kind].card))
        return usual.model_copy(update={"kinds": of_recipe}) if usual and of_recipe else None
    if asked.outpaint == NONE:
        return None
    same = usual if usual and usual.name == asked.outpaint else OutpaintSettings(name=asked.outpaint)
    own = dict(asked.settings.get(OUTPAINT, {}))
    apart = {name: own.pop(name, usually) for name, usually in (("kinds", [*made]), ("cache", same.cache))}
    weights = [path for of_kind, path in asked.weights if of_kind == OUTPAINT]
    try:
        return OutpaintSettings(
            name=asked.outpaint, settings={**same.settings, **own}, weights=tuple(weights or same.weights), **apart
        )
    except ValidationError as error:
        raise UserError(f"--set {explain(error, (OUTPAINT,), OutpaintSettings)}") from error


def _in_recipe(dataset: Dataset, asked: Asked, card: Card) -> AnnotatorSettings | None:
    """What the recipe says of an annotator: of the layer of the asked name, or else of its first one."""
    there = {layer: item for layer, item in dataset.recipe.layers.items() if layer.partition("/")[0] == card.kind}
    by_it = {layer: item for layer, item in there.items() if item.name == card.name}
    wanted = f"{card.kind}/{asked.names.get(card.kind, card.name)}"
    return by_it.get(wanted) or next(iter(by_it.values()), None)


def _weights(dataset: Dataset, asked: Asked, card: Card) -> list[str]:
    """What stands in for an annotator's weights: what is asked for, or else the recipe's."""
    given = [path for of_kind, path in asked.weights if of_kind in (None, card.kind)]
    usual = _in_recipe(dataset, asked, card)
    return given or [*(usual.weights if usual else ())]


def _usual(dataset: Dataset, asked: Asked, kind: str) -> str:
    """The recipe's annotator of a kind, for the layer of the asked name if it has that, or the only one there is.

    Where the recipe's layer is no annotator's, as the ground truth of rendered people, it is the lite preset's.
    """
    named = dataset.recipe.layers.get(f"{kind}/{asked.names.get(kind)}") or dataset.recipe.annotators.get(kind)
    if named and named.name == asking.SYNTH_TRUTH:
        named = load("lite").annotators.get(kind)
    if named:
        return named.name
    names = registry.names(kind)
    if len(names) == 1:
        return names[0]
    if names:
        raise UserError(f"several annotators of kind {kind}: name one, as {kind}=NAME, of {', '.join(names)}")
    raise UserError(f"no annotator of kind {kind} comes with humanverse: name your own, as {kind}=module:Class")


def _layer(asked: Asked, annotator: Annotator) -> str:
    card = annotator.card
    return f"{card.kind}/{asked.names.get(card.kind, card.name)}"


def _layer_to_read(dataset: Dataset, asked: Asked, layer: str, need: str) -> str:
    """The layer of kind ``need`` that ``layer`` is made from: the one asked for, the one it was begun with, the only one."""
    there = [name for name in dataset.layers() if name.partition("/")[0] == need]
    if need in asked.reads:
        wanted = f"{need}/{asked.reads[need]}"
        if wanted not in there:
            raise UserError(f"--reads: there is no layer {wanted}: there are {', '.join(there) or 'none'}")
        return wanted
    begun_with = dataset.layer_card(layer).get("reads", {}).get(need)
    if begun_with in there:
        return str(begun_with)
    if len(there) == 1:
        return there[0]
    if there:
        names = ", ".join(name.partition("/")[2] for name in there)
        raise UserError(
            f"{layer} is made from a {need} layer, and there are several: say --reads {need}=NAME, of {names}"
        )
    raise UserError(f"{layer} is made from a {need} layer, and there is none: add {need} to the command")


def _check_reads(asked: Asked, made: Mapping[str, Annotator], reads: Mapping[str, str]) -> None:
    for kind in asked.reads:
        if kind in made:
            raise UserError(f"--reads {kind}: that layer is made by the same command, and read from it: leave one out")
        if kind not in reads:
            raise UserError(f"--reads {kind}: nothing that is asked for reads a {kind} layer: leave it out")


def _asked(dataset: Dataset, asked: Asked, annotator: Annotator, section: OutpaintSettings | None) -> dict[str, Any]:
    weights = [without_password(absolute(path)) for path in _weights(dataset, asked, annotator.card)]
    said = in_card(annotator, asked.annotators[annotator.card.kind] or annotator.card.name, weights)
    without = {OUTPAINT: {"name": NONE}} if asked.outpaint == NONE else {}
    return {**said, **without, **told(annotator, section)}


def _cards(
    dataset: Dataset,
    asked: Asked,
    additions: Mapping[str, Addition],
    reads: Mapping[str, str],
    section: OutpaintSettings | None,
) -> dict[str, dict[str, Any]]:
    layers = {kind: addition.layer for kind, addition in additions.items()} | dict(reads)
    prints = {kind: str(dataset.layer_card(layer).get("fingerprint")) for kind, layer in reads.items()}
    cards: dict[str, dict[str, Any]] = {}
    for kind, addition in additions.items():
        needs = sorted(addition.annotator.card.needs)
        made_by = addition.annotator.provenance({need: prints[need] for need in needs})
        reads_of = {need: layers[need] for need in needs}
        cards[kind] = {**made_by, "reads": reads_of, "asked": _asked(dataset, asked, addition.annotator, section)}
        prints[kind] = made_by["fingerprint"]
    return cards

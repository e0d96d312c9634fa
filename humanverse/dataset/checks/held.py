"""What a dataset as a whole says about its shards, read once: source, recipe, layers and their cards, tombstones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from humanverse.dataset import create, layout
from humanverse.dataset.checks import merges, retries
from humanverse.dataset.checks.finding import Finding, Unreadable, note, problem, read_table
from humanverse.dataset.checks.merges import Merges
from humanverse.dataset.checks.retries import Retries
from humanverse.dataset.extent import Extent
from humanverse.dataset.generations import Generations
from humanverse.dataset.reader import Dataset
from humanverse.errors import DatasetError
from humanverse.storage import Store
from schemas.layer_rules import card_fault
from schemas.layers import KINDS, Kind
from schemas.provenance import FINGERPRINTED, fingerprint
from schemas.recipe import Recipe

TOMBSTONES = pa.schema([pa.field("uid", pa.string())])


DESCRIBED = ("layer", "reads", "truth")
"""Keys of ``layer.json`` that decide no row, but must be there."""


@dataclass(frozen=True)
class Layer:
    """One layer's folder.

    Attributes:
        name: ``<kind>/<name>``.
        card: ``layer.json``; empty if it is missing or damaged.
        in_recipe: whether every committed shard must have it.
        shards: that have its table.
    """

    name: str
    card: Mapping[str, Any]
    in_recipe: bool
    shards: frozenset[int]

    @property
    def kind(self) -> Kind:
        return KINDS[self.name.partition("/")[0]]

    @property
    def needs(self) -> Mapping[str, Any]:
        needs = self.card.get("needs")
        return needs if isinstance(needs, dict) else {}

    @property
    def reads(self) -> Mapping[str, Any]:
        reads = self.card.get("reads")
        return reads if isinstance(reads, dict) else {}

    @property
    def labels(self) -> Sequence[str] | None:
        """What the ids of a segmentation are; None where the card does not say."""
        labels = self.card.get("labels")
        return labels if isinstance(labels, list) else None

    @property
    def width(self) -> int | None:
        """How many numbers a vector has, of an embedding whose card says so."""
        width = self.card.get("width")
        return width if isinstance(width, int) else None

    @property
    def score_range(self) -> tuple[float, float]:
        """[0, 1], unless the card's ``score_range`` is another [low, high]."""
        match self.card.get("score_range"):
            case [int() | float() as low, int() | float() as high]:
                return float(low), float(high)
        return 0.0, 1.0


@dataclass
class Held:
    """The whole.

    Attributes:
        source: ``source.json``; empty if it is missing or damaged.
        extent: the source's rows and how they are cut; None if that cannot be known.
        distinct: whether the uids of a shard are distinct, as the recipe says.
        layers: every layer that is there.
        tombstones: uid -> the file that names it.
        retries: what was planned to be tried again.
        merges: what was planned to be added from other datasets.
        findings: what is wrong with all this.
        generations: of the shards' files, as they were listed at the start.
    """

    store: Store
    generations: Generations
    source: Mapping[str, Any] = field(default_factory=dict)
    extent: Extent | None = None
    distinct: bool = False
    layers: tuple[Layer, ...] = ()
    tombstones: dict[str, str] = field(default_factory=dict)
    retries: Retries = field(default_factory=Retries)
    merges: Merges = field(default_factory=Merges)
    findings: list[Finding] = field(default_factory=list)

    def generation(self, shard: int) -> int:
        return self.generations.of(shard)


def read(dataset: Dataset, committed: bool) -> Held:
    """Everything but the shards.

    Args:
        committed: whether there are committed shards, so that the recipe's layers should be there.
    """
    held = Held(dataset.store, dataset.generations)
    try:
        held.source = create.read_source(dataset.store)
        held.extent = Extent.of(held.source)
    except DatasetError:
        held.findings.append(problem(layout.SOURCE, "is missing or damaged"))
    wanted = _recipe(dataset, held)
    there = {
        f"{kind}/{name}"
        for kind in dataset.store.names(layout.LAYERS)
        if kind in KINDS
        for name in dataset.store.names(f"{layout.LAYERS}/{kind}")
        if dataset.store.names(layout.layer_folder(f"{kind}/{name}"))
    }
    held.layers = tuple(_layer(dataset, held, name, name in wanted) for name in sorted(there))
    if committed:
        held.findings += [_dropped(dataset, name) for name in sorted(wanted - there)]
    _cards(held)
    _tombstones(held)
    held.retries = retries.read(dataset.store)
    held.merges = merges.read(dataset.store)
    held.findings += held.retries.findings + held.merges.findings
    return held


def _recipe(dataset: Dataset, held: Held) -> set[str]:
    """The layers that the recipe asks for."""
    try:
        recipe: Recipe = dataset.recipe
    except DatasetError:
        held.findings.append(problem(layout.RECIPE, "is missing or damaged"))
        return set()
    held.distinct = recipe.gate.drop_duplicates
    return {layer for layer in recipe.layers if layer.partition("/")[0] in KINDS}


def _layer(dataset: Dataset, held: Held, name: str, in_recipe: bool) -> Layer:
    path = layout.layer_card(name)
    card: Mapping[str, Any] = {}
    try:
        found = create.read_json(dataset.store, path)
        if found is None:
            held.findings.append(problem(path, "is missing"))
        card = found or {}
    except DatasetError:
        held.findings.append(problem(path, "is not a JSON object"))
    return Layer(name, card, in_recipe, dataset.layer_shards(name))


def _dropped(dataset: Dataset, name: str) -> Finding:
    """Nothing at all is there of a layer of the recipe: a build begins with its card, so that it was dropped."""
    message = f"is of the recipe and was dropped: {dataset.annotate_command(name)} makes it again"
    return note(layout.layer_folder(name), message)


def _card_problem(layer: Layer) -> str | None:
    card = layer.card
    missing = [key for key in (*FINGERPRINTED, "fingerprint", *DESCRIBED) if key not in card]
    if missing:
        return f"has no {missing[0]}"
    if card["layer"] != layer.name or card["kind"] != layer.kind.name:
        return f"is of the layer {card['layer']}, of kind {card['kind']}"
    if fingerprint(card) != card["fingerprint"]:
        return "has a fingerprint that is not of what it says"
    if not isinstance(card["needs"], dict):
        return "has needs that are not fingerprints by kind"
    if not isinstance(card["reads"], dict) or not card["reads"].keys() >= card["needs"].keys():
        return "does not say in reads which layer each of its needs is"
    if not isinstance(card["truth"], bool):
        return "does not say in truth whether it is ground truth"
    return card_fault(layer.kind.name, card)


def _cards(held: Held) -> None:
    """Cards say what made the layer, truly; and what a layer was made from is there."""
    doubtful: set[str] = set()
    for layer in held.layers:
        found = _card_problem(layer) if layer.card else None
        if found:
            held.findings.append(problem(layout.layer_card(layer.name), found))
        if found or not layer.card:
            doubtful.add(layer.kind.name)
    prints = {layer.name: layer.card.get("fingerprint") for layer in held.layers if layer.card}
    for layer in held.layers:
        path = layout.layer_card(layer.name)
        for kind, read_from in layer.reads.items():
            if doubtful & {kind, layer.kind.name}:
                continue
            if read_from not in prints:
                held.findings.append(note(path, f"was made from {read_from}, which is not there any more"))
            elif layer.needs.get(kind, prints[read_from]) != prints[read_from]:
                held.findings.append(problem(path, f"was made from another {read_from} than is there"))


def _tombstones(held: Held) -> None:
    for name in held.store.names(layout.TOMBSTONES):
        if not name.endswith(".parquet"):
            continue
        path = f"{layout.TOMBSTONES}/{name}"
        try:
            table = read_table(held.store, path, TOMBSTONES, more=True)
        except Unreadable as error:
            held.findings.append(error.finding)
            continue
        held.tombstones.update(dict.fromkeys(table.column("uid").drop_null().to_pylist(), path))

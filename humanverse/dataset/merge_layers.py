"""Which layers of another dataset can be added to those of this one: a layer is the same if its fingerprint is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from humanverse.dataset import create, layout
from humanverse.dataset.reader import Dataset
from schemas.provenance import DECIDING

Print = tuple[str, str]
"""Kind and fingerprint."""
Cards = Mapping[str, Mapping[str, Any]]
"""By layer, its ``layer.json``."""


@dataclass(frozen=True)
class Matched:
    """What becomes of the other dataset's layers.

    Attributes:
        copied: ``<kind>/<name>`` there -> here.
        left: those that are not copied -> why.
    """

    copied: dict[str, str]
    left: dict[str, str]


def cards(dataset: Dataset) -> Cards:
    """The card of each layer."""
    return {layer: dataset.layer_card(layer) for layer in dataset.layers()}


def _print(layer: str, card: Mapping[str, Any]) -> Print:
    return layer.partition("/")[0], str(card.get("fingerprint"))


def match(ours: Cards, theirs: Cards, only_both: bool) -> Matched:
    """Say which layers are copied, and under which name.

    A layer that is here under another name goes there, unless there is one of that very name to go there. One that only the
    other dataset has keeps its name, if the layers that it was made from come too.

    Args:
        only_both: leave out those that are not here.
    """
    here = {_print(layer, card): layer for layer, card in reversed(list(ours.items()))}
    matched = Matched({}, {})
    new: dict[str, Mapping[str, Any]] = {}
    equal = {layer for layer, card in theirs.items() if _print(layer, ours.get(layer, {})) == _print(layer, card)}
    for layer, card in sorted(theirs.items(), key=lambda item: item[0] not in equal):
        same = layer if layer in equal else here.get(_print(layer, card))
        if same is not None and same in matched.copied.values():
            matched.left[layer] = f"it is the same as another one that is copied to {same}"
        elif same is not None:
            matched.copied[layer] = same
        elif layer in ours:
            matched.left[layer] = f"the one here was made otherwise ({_changed(ours[layer], card)})"
        elif only_both:
            matched.left[layer] = "only the other dataset has it"
        else:
            new[layer] = card
    _add_new(matched, new, set(here))
    return matched


def _changed(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> str:
    """The first of the facts about a layer that is another one there, as ``model: "a" -> "b"`` (here -> there)."""
    found = (create.difference(ours.get(key), theirs.get(key), key) for key in (*DECIDING, "fingerprint"))
    return next(text for text in found if text)


def _add_new(matched: Matched, new: dict[str, Mapping[str, Any]], there: set[Print]) -> None:
    """Add the layers ``new`` whose needs are ``there``, or come with them."""
    waiting = dict(new)
    while ready := [layer for layer, card in waiting.items() if _needs(card) <= there]:
        for layer in ready:
            there.add(_print(layer, waiting.pop(layer)))
            matched.copied[layer] = layer
    for layer, card in waiting.items():
        kind = min(kind for kind, _ in _needs(card) - there)
        matched.left[layer] = f"it was made from a {kind} layer that is not copied"


def _needs(card: Mapping[str, Any]) -> set[Print]:
    return {(str(kind), str(needed)) for kind, needed in dict(card.get("needs") or {}).items()}


def _reads(card: Mapping[str, Any], copied: Mapping[str, str], ours: Cards) -> dict[str, str]:
    """Which layer here is the one that a layer was made from, by kind."""
    here = {_print(layer, own): layer for layer, own in ours.items()}
    needs: dict[str, str] = dict(card.get("needs") or {})
    reads: dict[str, str] = dict(card.get("reads") or {})
    return {kind: copied.get(read, here.get((kind, needs.get(kind, "")), read)) for kind, read in reads.items()}


def declare(dataset: Dataset, other: Dataset, copied: Mapping[str, str]) -> dict[str, str]:
    """Write the cards of layers that are not here yet.

    Args:
        copied: there -> here, as planned.

    Returns:
        Those of ``copied`` that are the same layer in both now: a layer may have been dropped or made anew since it was planned.
    """
    same: dict[str, str] = {}
    for there, here in copied.items():
        card, own = dict(other.layer_card(there)), dataset.layer_card(here)
        if not card:
            continue
        if not own:
            own = {**card, "layer": here, "reads": _reads(card, copied, cards(dataset))}
            dataset.store.write(layout.layer_card(here), create.json_bytes(own))
        if own.get("fingerprint") == card.get("fingerprint"):
            same[there] = here
    return same

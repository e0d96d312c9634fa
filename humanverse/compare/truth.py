"""Which layer is the ground truth of each kind, and which layers stand beside it to be judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from humanverse.compare.measures import MEASURES
from humanverse.dataset.reader import Dataset
from humanverse.errors import UserError

NAME = "truth"
"""What a ground truth is called unless it has another name."""


class NoTruth(UserError):
    """There is no ground truth, or nothing beside it that could be judged."""


@dataclass(frozen=True)
class Judging:
    """What is judged by what.

    Attributes:
        truths: kind -> the layer that is right.
        judged: (layer, the one that is right) of every other layer of these kinds that is no ground truth itself.
    """

    truths: Mapping[str, str]
    judged: tuple[tuple[str, str], ...]


def find(dataset: Dataset, name: str | None = None) -> Judging:
    """Layers that can be judged, in the order of ``MEASURES``.

    Args:
        name: of the layers that are right, of any kind. If it is not given, of each kind the one called ``truth``, else the one
            whose ``layer.json`` says that it is ground truth (such as what was imported from COCO).

    Raises:
        NoTruth: if there is no ground truth, or nothing beside it.
        UserError: if a kind has several and none was named.
    """
    by_kind: dict[str, list[str]] = {kind: [] for kind in MEASURES}
    for layer in dataset.layers():
        by_kind.get(layer.partition("/")[0], []).append(layer)
    imported = {layer for of_kind in by_kind.values() for layer in of_kind if dataset.layer_card(layer).get("truth")}
    truths = {kind: found for kind, of_kind in by_kind.items() if (found := _truth(kind, of_kind, imported, name))}
    if not truths:
        raise NoTruth(_nothing_is_true(dataset, by_kind, name))
    judged = [
        (layer, truth) for kind, truth in truths.items() for layer in by_kind[kind] if layer not in imported | {truth}
    ]
    if not judged:
        kind = next(iter(truths))
        raise NoTruth(
            f"{dataset.store.url} has {', '.join(truths.values())} and no other layer of these kinds: add one with humanverse "
            f"annotate {dataset.store.url} {kind}=NAME"
        )
    return Judging(truths, tuple(judged))


def _truth(kind: str, layers: list[str], imported: set[str], name: str | None) -> str | None:
    wanted = f"{kind}/{name or NAME}"
    if wanted in layers or name:
        return wanted if wanted in layers else None
    found = [layer for layer in layers if layer in imported]
    if len(found) > 1:
        names = ", ".join(layer.partition("/")[2] for layer in found)
        raise UserError(f"several {kind} layers are ground truth: choose one of {names} with --truth NAME")
    return found[0] if found else None


def _nothing_is_true(dataset: Dataset, by_kind: Mapping[str, list[str]], name: str | None) -> str:
    there = ", ".join(layer for layers in by_kind.values() for layer in layers) or "none"
    if name:
        return f"no layer of {dataset.store.url} is called {name!r}: there are {there}"
    return (
        f"no layer of {dataset.store.url} is ground truth: name what the others are judged by with --truth NAME, or two layers "
        f"with KIND NAME_A NAME_B; there are {there}"
    )

"""``drop``: delete a layer of a dataset."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from humanverse.dataset import asking, layout
from humanverse.dataset.create import read_json
from humanverse.dataset.reader import Dataset
from humanverse.errors import DatasetError, UserError
from schemas.layers import KINDS


@dataclass(frozen=True)
class Dropped:
    """What was deleted.

    Attributes:
        layer: ``<kind>/<name>``.
        files: how many.
        bytes: of them.
        notes: what follows from it, one line each.
    """

    layer: str
    files: int
    bytes: int
    notes: tuple[str, ...]


def drop(url: str, which: str, force: bool = False) -> Dropped:
    """Delete every file of a layer, ``layer.json`` first, so that nobody begins to read it; a drop that was stopped goes on.

    Args:
        which: ``KIND=NAME``.
        force: also if a view or another layer is made with it.

    Raises:
        UserError: if there is no such layer, or something is made with it.
    """
    dataset = Dataset(url)
    kind, _, name = which.partition("=")
    layer = f"{kind}/{name}"
    folder = layout.layer_folder(layer)
    if kind not in KINDS or not name or "/" in name or name not in dataset.store.names(f"{layout.LAYERS}/{kind}"):
        there = ", ".join(found.replace("/", "=") for found in dataset.layers()) or "none"
        raise UserError(f"no layer {which} in {url}: there are {there}")
    users = [*_layers_made_from(dataset, layer), *_views_with(dataset, layer)]
    if users and not force:
        raise UserError(f"{which} is used by {', '.join(users)}: drop or change these first, or give --force")
    files = [(path, dataset.store.size(path)) for path in _files(dataset, folder)]
    if dataset.store.exists(layout.layer_card(layer)):
        dataset.store.remove(layout.layer_card(layer))
    if dataset.store.names(folder):
        dataset.store.remove(folder)
    return Dropped(layer, len(files), sum(size for _, size in files), tuple(_notes(dataset, layer, users)))


def _files(dataset: Dataset, folder: str) -> Iterator[str]:
    for name in dataset.store.names(folder):
        yield f"{folder}/{name}"


def _layers_made_from(dataset: Dataset, layer: str) -> Iterator[str]:
    for other in dataset.layers():
        if layer in dataset.layer_card(other).get("reads", {}).values():
            yield f"layer {other.replace('/', '=')}"


def _views_with(dataset: Dataset, layer: str) -> Iterator[str]:
    """Views that pin or ask for the layer; one that is damaged says nothing."""
    for name in dataset.views():
        try:
            card = read_json(dataset.store, layout.view(name)) or {}
        except DatasetError:
            continue
        pins = [*card.get("layers", {}).values(), *card.get("reads", {}).values()]
        if any(pin.get("layer") == layer for pin in pins):
            yield f"view {name}"


def _notes(dataset: Dataset, layer: str, users: list[str]) -> Iterator[str]:
    if layer in dataset.recipe.layers:
        command = asking.command(dataset.store.url, layer, {}, dataset.source)
        yield f"the recipe has it: the dataset is not complete until {command}"
    for user in users:
        yield f"made with it, and not complete without: {user}"

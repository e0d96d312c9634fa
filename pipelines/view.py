"""``view``: say which samples and layers trainers and exports read; count what it has; look it up, and delete it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from humanverse.dataset import views
from humanverse.dataset.expression.parse import Expression, parse
from humanverse.dataset.reader import Dataset
from humanverse.dataset.selection import Selection
from humanverse.dataset.view_cards import Counts, Pin, ViewCard
from humanverse.dataset.view_counts import count
from humanverse.errors import DatasetError, UserError
from humanverse.plurals import plural
from pipelines.progress import Counts as Progress
from pipelines.progress import Display, Local
from schemas.layers import KINDS


@dataclass(frozen=True)
class Told:
    """A view, as it is told of.

    Attributes:
        name: of the view.
        made_by: the command.
        exclude: filters, ``<name>/<generation>``.
        where: expressions.
        layers: ``<kind>/<name>`` by kind, of those that readers get.
        others: layers of the dataset that an export of the view leaves out, since it says which ones it has.
        counts: as of when it was made; None if nobody counted.
        made: when, UTC.
        again: the commands that make it anew.
        shards: committed now.
        unreadable: how many of them it cannot be read with.
        problem: why it cannot be read at all; empty if it can.
    """

    name: str
    shards: int
    made_by: str = ""
    exclude: tuple[str, ...] = ()
    where: tuple[str, ...] = ()
    layers: Mapping[str, str] = field(default_factory=dict)
    others: tuple[str, ...] = ()
    counts: Counts | None = None
    made: str = ""
    again: str = ""
    unreadable: int = 0
    problem: str = ""

    def as_json(self) -> dict[str, Any]:
        counts = self.counts.model_dump(mode="json") if self.counts else None
        kept = self.counts.kept if self.counts else None
        return {**vars(self), "layers": dict(self.layers), "counts": counts, "kept": kept}


def make(
    url: str,
    name: str,
    where: Sequence[str] = (),
    layers: Sequence[str] = (),
    exclude: Sequence[str] = (),
    replace: bool = False,
) -> Told:
    """Write the view ``name`` of ``url``, after counting what it has.

    Args:
        where: expressions, applied in this order.
        layers: ``KIND=NAME``, which layer of a kind readers get and expressions mean.
        exclude: views whose filters are taken over, as they are now.
        replace: whether a view of that name may be replaced.

    Raises:
        UserError: for whatever the user can mend; nothing is written then.
    """
    dataset = Dataset(url)
    if views.check_name(name) in dataset.views() and not replace:
        raise UserError(f"{url} has a view {name} already{_maker(dataset, name)}: give another name, or --replace")
    filters = _filters(dataset, exclude)
    pins = _pins(dataset, layers)
    card = ViewCard(
        name=name,
        made_by=views.COMMAND,
        exclude=tuple(item.name for item in filters),
        where=tuple(where),
        layers=pins,
        reads=_reads(dataset, [parse(text) for text in where], pins),
    )
    selection = Selection(dataset, views.View(dataset.store, name, filters, card))
    counts = _counted(dataset, selection)
    views.write_view(dataset.store, name, card.exclude, card.made_by, card.where, card.layers, card.reads, counts)
    return look(url, name)


def _maker(dataset: Dataset, name: str) -> str:
    try:
        made_by = dataset.view(name).card.made_by
    except DatasetError:
        return ""
    return f", made by {made_by}" if made_by not in ("", views.COMMAND) else ""


def _filters(dataset: Dataset, exclude: Iterable[str]) -> tuple[views.Filter, ...]:
    """Those of the views ``exclude``, each once."""
    found: dict[str, views.Filter] = {}
    for name in exclude:
        view = dataset.view(name)
        if view.card.where:
            raise UserError(f"--exclude {name}: that view has expressions too: repeat what it says, with --where")
        if not view.filters:
            raise UserError(f"--exclude {name}: that view leaves nothing out")
        found |= {item.name: item for item in view.filters}
    return tuple(found.values())


def _pin(dataset: Dataset, layer: str) -> Pin:
    full = dataset.resolve(layer)
    return Pin(layer=full, fingerprint=str(dataset.layer_card(full).get("fingerprint", "")))


def _pins(dataset: Dataset, layers: Iterable[str]) -> dict[str, Pin]:
    pins: dict[str, Pin] = {}
    for item in layers:
        kind, equals, name = item.partition("=")
        if not (kind and equals and name):
            raise UserError(f"--layers {item}: write KIND=NAME, such as pose=movenet")
        if kind not in KINDS:
            raise UserError(f"--layers {item}: no such kind: choose from {', '.join(KINDS)}")
        if kind in pins:
            raise UserError(f"--layers {item}: there is one of this kind already: {pins[kind].layer}")
        pins[kind] = _pin(dataset, f"{kind}/{name}")
    return pins


def _reads(dataset: Dataset, expressions: Iterable[Expression], pins: Mapping[str, Pin]) -> dict[str, Pin]:
    """The layer that is meant by each name of one in the expressions."""
    names = sorted({layer for expression in expressions for layer in expression.layers})
    for kind in (name for name in names if name in KINDS and name not in pins):
        several = [layer for layer in dataset.layers() if layer.startswith(f"{kind}/")]
        if len(several) > 1:
            choices = " or ".join(f"--layers {layer.replace('/', '=', 1)}" for layer in several)
            raise UserError(f"an expression names {kind}, and there are several layers of that kind: say {choices}")
    return {name: pins[name] if name in pins else _pin(dataset, name) for name in names}


def _counted(dataset: Dataset, selection: Selection) -> Counts:
    shards = dataset.shards()
    if not shards:
        raise UserError(f"{dataset.store.url} has no committed shard: build it first")
    selection.check(shards, selection.pins.values())
    selection.check_expressions(shards[0])
    progress = Local()
    with Display("view", len(shards), 0, progress.counts, math.inf, unit="shards", note=_note):
        return count(selection, shards, lambda samples: progress(rows=1, samples=samples))


def _note(counts: Progress, rate: float) -> str:
    return plural(counts.get("samples", 0), "sample")


def look(url: str, name: str) -> Told:
    """The view ``name`` of ``url``.

    Raises:
        DatasetError: if there is none; a damaged one is told of as such.
    """
    dataset = Dataset(url)
    if name not in dataset.views():
        dataset.view(name)
    return _told(dataset, name, dataset.shards())


def look_at_all(url: str) -> list[Told]:
    """Every view of ``url``."""
    dataset = Dataset(url)
    shards = dataset.shards()
    return [_told(dataset, name, shards) for name in dataset.views()]


def _told(dataset: Dataset, name: str, shards: Sequence[int]) -> Told:
    try:
        view = dataset.view(name)
    except DatasetError as error:
        return Told(name, len(shards), unreadable=len(shards), problem=str(error))
    unreadable, problem = 0, ""
    try:
        unreadable = len(Selection(dataset, view).unreadable(shards))
    except DatasetError as error:
        unreadable, problem = len(shards), str(error)
    return Told(
        name,
        len(shards),
        view.card.made_by,
        view.card.exclude,
        view.card.where,
        view.pins,
        tuple(layer for layer in dataset.layers() if view.pins and layer not in view.pins.values()),
        view.card.counts,
        view.card.time,
        view.again,
        unreadable,
        problem,
    )


def delete(url: str, name: str) -> None:
    """Delete a view, also a damaged one; its filters go with it unless another view names them. No picture is touched.

    Raises:
        DatasetError: if there is none.
    """
    views.remove_view(Dataset(url).store, name)

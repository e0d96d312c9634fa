"""Views: which samples a reader is given. A view names filters, expressions and layers; a filter lists, shard by shard, the
samples it leaves out; an expression is a condition that a sample must meet.

A filter is written once, into a folder of its own, and is there when its card is. A view is one JSON file that is replaced at
once, so that a reader sees all of the old or all of the new. No picture is touched.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeVar

import pyarrow as pa
from pydantic import BaseModel, ValidationError

import humanverse
from humanverse.dataset import layout
from humanverse.dataset.cards import why_damaged
from humanverse.dataset.create import json_bytes, read_json
from humanverse.dataset.parquet import parquet_bytes, parquet_table
from humanverse.dataset.view_cards import FILTER, FORMAT, NAME, Counts, FilterCard, Pin, ViewCard
from humanverse.errors import DatasetError, UserError
from humanverse.plurals import plural
from humanverse.storage import Store
from schemas.filters import SCHEMA

if TYPE_CHECKING:
    from humanverse.dataset.expression.parse import Expression

AGAIN = "run the command that made it again"
COMMAND = "view"
"""The command whose views are made of what the user says; those of others follow from what they do."""

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class Filter:
    """A filter, open for reading; ``name`` is ``<name>/<generation>``."""

    store: Store
    name: str
    card: FilterCard

    @property
    def again(self) -> str:
        """The command that makes it anew."""
        command, view = str(self.card.made_by.get("command", "?")), self.name.partition("/")[0]
        words = ["humanverse", command, self.store.url]
        return shlex.join(words if view == command else [*words, "--view", view])

    def left_out(self, shard: int) -> pa.Table:
        """The samples of a shard that are left out, ``schemas.filters.SCHEMA``.

        Raises:
            DatasetError: if the file is missing or damaged.
        """
        rows = self.card.left_out.get(str(shard), 0)
        if not rows:
            return SCHEMA.empty_table()
        path = layout.filter_table(self.name, shard)
        try:
            table = parquet_table(self.store.read(path), SCHEMA.names)
        except (FileNotFoundError, ValueError) as error:
            raise DatasetError(f"{self.store.url}/{path} is missing or damaged: {AGAIN}") from error
        if table.num_rows != rows:
            raise DatasetError(
                f"{self.store.url}/{path} has {plural(table.num_rows, 'row')} instead of {rows}: {AGAIN}"
            )
        return table


@dataclass(frozen=True)
class View:
    """A view, open for reading. What it names does not change any more, even if the view is made anew meanwhile."""

    store: Store
    name: str
    filters: tuple[Filter, ...]
    card: ViewCard

    @property
    def pins(self) -> dict[str, str]:
        """``<kind>/<name>`` by kind, of the layers that readers get unless they ask for others."""
        return {kind: pin.layer for kind, pin in self.card.layers.items()}

    @cached_property
    def expressions(self) -> tuple[Expression, ...]:
        """Checked; a view may come from anybody.

        Raises:
            DatasetError: if one of them is not allowed, or names a layer that the view does not say.
        """
        if not self.card.where:
            return ()
        from humanverse.dataset.expression.parse import parse

        try:
            made = tuple(parse(text) for text in self.card.where)
        except UserError as error:
            raise DatasetError(f"the view {self.name} of {self.store.url}: {error}") from error
        unknown = sorted({layer for item in made for layer in item.layers} - self.card.reads.keys())
        if unknown:
            raise DatasetError(
                f"the view {self.name} of {self.store.url} does not say which layer {unknown[0]} is: {AGAIN}"
            )
        return made

    @property
    def again(self) -> str:
        """The commands that make it anew, for the shards that are there now."""
        commands = sorted({item.again for item in self.filters})
        if self.card.made_by == COMMAND:
            words = ["humanverse", COMMAND, self.store.url, self.name]
            words += [word for item in self.filters for word in ("--exclude", item.name.partition("/")[0])]
            words += [word for text in self.card.where for word in ("--where", text)]
            words += [word for kind, layer in self.pins.items() for word in ("--layers", layer.replace("/", "=", 1))]
            commands.append(shlex.join([*words, "--replace"]))
        return ", then ".join(commands)

    def unseen(self, shards: Iterable[int]) -> list[int]:
        """Those of ``shards`` that one of the filters has not looked at."""
        return [shard for shard in shards if not all(item.card.sees(shard) for item in self.filters)]

    def check_sees(self, shards: Iterable[int]) -> None:
        """Refuse shards that a filter has not looked at: what it would leave out of them is not known.

        Raises:
            DatasetError: naming the first of them.
        """
        if unseen := self.unseen(shards):
            raise DatasetError(
                f"the view {self.name} of {self.store.url} has not seen {plural(len(unseen), 'newer shard')} (the first is "
                f"{unseen[0]}): run {self.again} again"
            )


def check_name(name: str) -> str:
    """``name``, if a view can be called so.

    Raises:
        UserError: otherwise.
    """
    if not NAME.fullmatch(name):
        raise UserError(f"a view cannot be called {name!r}: use lower-case letters, digits, - and _ (at most 64)")
    return name


def names(store: Store) -> list[str]:
    """The views of a dataset."""
    found = [name.removesuffix(".json") for name in store.names(layout.VIEWS) if name.endswith(".json")]
    return [name for name in found if NAME.fullmatch(name)]


def _card(store: Store, path: str, kind: type[M]) -> M | None:
    value = read_json(store, path)
    if value is None:
        return None
    if value.get("format") != FORMAT:
        raise DatasetError(f"{store.url}/{path} has format {value.get('format')}, this version reads {FORMAT}")
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        raise DatasetError(f"{store.url}/{path} is damaged ({why_damaged(error)}): {AGAIN}") from error


def read_filter(store: Store, name: str) -> Filter:
    """The filter ``<name>/<generation>``.

    Raises:
        DatasetError: if it is not there, not finished, or damaged.
    """
    card = _card(store, layout.filter_card(name), FilterCard)
    if card is None:
        raise DatasetError(f"{store.url}/{layout.filter_card(name)} is missing: {AGAIN}")
    return Filter(store, name, card)


def read_view(store: Store, name: str) -> View:
    """The view ``name`` as it is now.

    Raises:
        DatasetError: if there is none, or it or one of its filters is damaged.
    """
    card = _card(store, layout.view(name), ViewCard) if NAME.fullmatch(name) else None
    if card is None:
        raise DatasetError(f"no view {name} in {store.url}: there are {', '.join(names(store)) or 'none'}")
    return View(store, name, tuple(read_filter(store, item) for item in card.exclude), card)


def replaced(view: View, old: Filter) -> Filter | None:
    """The filter that ``compact`` has written in place of one that ``view`` names; None if there is none.

    It was made in the same way from the same shards, and names nothing that was forgotten since.
    """
    try:
        now = read_view(view.store, view.name).filters
    except DatasetError:
        return None
    facts, name = (old.card.made_by, old.card.shards), old.name.partition("/")[0]
    same = (item for item in now if item.name.partition("/")[0] == name and item.name != old.name)
    return next((item for item in same if (item.card.made_by, item.card.shards) == facts), None)


def generations(store: Store, name: str) -> list[str]:
    """``<name>/<generation>`` of all filters of that name, ascending, also of those that were not finished."""
    found = (f"{name}/{item}" for item in store.names(f"{layout.FILTERS}/{name}"))
    return [item for item in found if FILTER.fullmatch(item)]


def _stamp() -> dict[str, Any]:
    time = datetime.now(UTC).isoformat(timespec="seconds")
    return {"code": f"humanverse {humanverse.__version__}", "time": time}


def spans(shards: Sequence[int]) -> tuple[tuple[int, int], ...]:
    """Ascending numbers as [first, last] of each run without gaps."""
    starts = [shard for index, shard in enumerate(shards) if index == 0 or shard != shards[index - 1] + 1]
    ends = [a for a, b in pairwise(shards) if b != a + 1] + list(shards[-1:])
    return tuple(zip(starts, ends, strict=True))


def write_filter(
    store: Store,
    name: str,
    tables: Iterator[tuple[int, pa.Table]],
    shards: Sequence[int],
    made_by: dict[str, Any],
    counts: dict[str, int],
) -> str:
    """Write a new generation of the filters ``name``; its card comes last, and makes it one.

    Args:
        tables: (shard, what is left out of it), ascending; only shards of which something is.
        shards: all that were looked at, ascending.
        made_by: command and settings.
        counts: figures of the making.

    Returns:
        ``<name>/<generation>``.
    """
    before = generations(store, name)
    number = int(before[-1].partition("/")[2]) + 1 if before else 0
    generation = f"{name}/{number:06d}"
    left_out: dict[str, int] = {}
    for shard, table in tables:
        store.write(layout.filter_table(generation, shard), parquet_bytes(table.cast(SCHEMA)))
        left_out[str(shard)] = table.num_rows
    if store.exists(layout.filter_card(generation)):
        raise UserError(f"{store.url}: the filter {generation} was made by another run meanwhile: {AGAIN}")
    card = FilterCard(made_by=made_by, shards=spans(shards), left_out=left_out, counts=counts, **_stamp())
    store.write(layout.filter_card(generation), json_bytes(card.model_dump(mode="json")))
    return generation


def remove_unused(store: Store, name: str) -> None:
    """Delete the filters ``name`` that no view names; the newest of them stays, for readers that have just opened it.

    Only for the one who has just written the view. Nothing is deleted while a view is damaged, since what it names is unknown.
    """
    try:
        views = [_card(store, layout.view(view), ViewCard) for view in names(store)]
    except DatasetError:
        return
    used = {item for view in views if view for item in view.exclude}
    for unused in [item for item in generations(store, name) if item not in used][:-1]:
        store.remove(layout.filter_folder(unused))


def write_view(
    store: Store,
    name: str,
    exclude: Sequence[str],
    made_by: str = "",
    where: Sequence[str] = (),
    layers: Mapping[str, Pin] | None = None,
    reads: Mapping[str, Pin] | None = None,
    counts: Counts | None = None,
) -> None:
    """Make ``views/<name>.json``, or replace it at once.

    Args:
        exclude: finished filters, ``<name>/<generation>``.

    The others are those of ``ViewCard``.
    """
    card = ViewCard(
        name=check_name(name),
        made_by=made_by,
        exclude=tuple(exclude),
        where=tuple(where),
        layers=dict(layers or {}),
        reads=dict(reads or {}),
        counts=counts,
        **_stamp(),
    )
    store.write(layout.view(name), json_bytes(card.model_dump(mode="json")))


def remove_view(store: Store, name: str) -> None:
    """Delete a view, also a damaged one, and the filters that only it named; the newest stays for those who read it.

    Raises:
        DatasetError: if there is none.
    """
    if name not in names(store):
        raise DatasetError(f"no view {name} in {store.url}: there are {', '.join(names(store)) or 'none'}")
    store.remove(layout.view(name))
    remove_unused(store, name)

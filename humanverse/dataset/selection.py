"""What a view has of a dataset, shard by shard: the one place where filters and expressions are applied."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from humanverse.dataset.parquet import MissingColumn
from humanverse.dataset.view_cards import Pin, Step
from humanverse.dataset.views import Filter, View, replaced
from humanverse.errors import DatasetError, UserError
from humanverse.plurals import plural, word
from schemas.layers import KINDS

Indices = npt.NDArray[np.int64]

if TYPE_CHECKING:
    from humanverse.dataset.expression.parse import Expression
    from humanverse.dataset.reader import Dataset

IMAGES = "images"
COUNTED = "rows"
"""A column that every table has on which an expression is evaluated, so that it has rows if nothing is named."""
_SOME = 5
"""Columns that are named where none is like the one that was asked for."""


class LayerGone(DatasetError):
    """A layer that a view names is not there any more, or is another one now."""


@dataclass(frozen=True)
class Part:
    """What a view has of one shard. Row i of every table is the same sample.

    Attributes:
        shard: its number.
        images: as ``Dataset.images``.
        samples: in the shard, tombstoned ones left out.
        positions: int64, ascending: of the rows of ``images`` among those.
        steps: how the shard's samples became these.
    """

    selection: Selection
    shard: int
    images: pa.Table
    samples: int
    positions: Indices
    steps: tuple[Step, ...]
    _whole: pa.Table = field(repr=False)

    def layer(self, layer: str, columns: Sequence[str] | None = None) -> pa.Table:
        """The rows of one layer; only ``columns``, with ``uid``, if they are given.

        Args:
            layer: ``pose`` (the view's, or the only one) or ``pose/movenet``.

        Raises:
            DatasetError: if the shard has no such layer, or its rows are not those of the images.
        """
        name = self.selection.resolve(layer)
        table = self.selection.dataset.layer(name, self.shard, self._whole, columns)
        return _taken(table, self.positions)


def _taken(table: pa.Table, positions: Indices) -> pa.Table:
    return table if len(positions) == table.num_rows else table.take(pa.array(positions, pa.int64()))


class Selection:
    """A view of a dataset, open for reading: neither changes what it is if the view is made anew meanwhile.

    Args:
        view: None for all samples.

    Raises:
        LayerGone: if a layer of the view is gone, or another one now.
        DatasetError: if an expression of it is not allowed.
    """

    def __init__(self, dataset: Dataset, view: View | None) -> None:
        self.dataset, self.view = dataset, view
        self.pins: Mapping[str, str] = view.pins if view else {}
        self._filters: tuple[Filter, ...] = view.filters if view else ()
        self._expressions: tuple[Expression, ...] = view.expressions if view else ()
        self._reads = {name: pin.layer for name, pin in view.card.reads.items()} if view else {}
        if view:
            for pin in (*view.card.layers.values(), *view.card.reads.values()):
                self._check_pin(view, pin)

    def _check_pin(self, view: View, pin: Pin) -> None:
        now = self.dataset.layer_card(pin.layer).get("fingerprint")
        if now is None:
            raise LayerGone(
                f"the view {view.name} of {view.store.url} needs the layer {pin.layer}, which is not there: run "
                f"{self.dataset.annotate_command(pin.layer)}"
            )
        if now != pin.fingerprint:
            raise LayerGone(
                f"the view {view.name} of {view.store.url} was made when the layer {pin.layer} was another one "
                f"(fingerprint {pin.fingerprint[:12]}, now {str(now)[:12]}): run {view.again}"
            )

    @property
    def what(self) -> str:
        """Name and place, for messages."""
        url = self.dataset.store.url
        return f"the view {self.view.name} of {url}" if self.view else url

    def resolve(self, layer: str) -> str:
        """``pose`` (the view's, or the only one) or ``pose/movenet`` as ``<kind>/<name>``.

        Raises:
            DatasetError: if there is no such layer, or a kind has several and none was named.
        """
        return self.pins.get(layer) or self.dataset.resolve(layer)

    def resolve_all(self, layers: Sequence[str] | None) -> dict[str, str]:
        """``<kind>/<name>`` by kind; those of the view if ``layers`` is None.

        Raises:
            DatasetError: as ``resolve``, or if there are two of a kind.
        """
        names = sorted({*self.pins.values()} if layers is None else {self.resolve(layer) for layer in layers})
        by_kind = {name.partition("/")[0]: name for name in names}
        if len(by_kind) < len(names):
            raise DatasetError(f"only one layer of a kind can be read at a time, not {', '.join(names)}")
        return by_kind

    def unreadable(self, shards: Iterable[int]) -> list[int]:
        """Those of ``shards`` that a filter has not seen, or that lack a layer which the view names."""
        numbers = list(shards)
        lacking = set(self.view.unseen(numbers)) if self.view else set()
        for layer in {*self._reads.values(), *self.pins.values()}:
            lacking.update(set(numbers) - self.dataset.layer_shards(layer))
        return sorted(lacking)

    def check(self, shards: Sequence[int], layers: Iterable[str] = ()) -> None:
        """Refuse shards of which it is not known what the view has, or that lack one of ``layers`` (``<kind>/<name>``).

        Raises:
            DatasetError: naming the first of them, and what to run.
        """
        if self.view:
            self.view.check_sees(shards)
        for layer in sorted({*self._reads.values(), *layers}):
            there = self.dataset.layer_shards(layer)
            if lacking := [shard for shard in shards if shard not in there]:
                url = self.dataset.store.url
                raise DatasetError(
                    f"{plural(len(lacking), 'shard')} of {url} {word(len(lacking), 'has', 'have')} no layer "
                    f"{layer} yet (the first is {lacking[0]}): run "
                    f"{self.dataset.annotate_command(layer)}"
                )

    def read(self, shard: int, columns: Sequence[str] | None = None) -> Part:
        """What the view has of a shard.

        Args:
            columns: of the images table, as in ``Dataset.images``; all if not given.

        Raises:
            DatasetError: if something is damaged, or the view cannot be read with this shard.
        """
        if self.view:
            self.view.check_sees([shard])
        whole = self._images(shard, columns)
        positions = np.arange(whole.num_rows, dtype=np.int64)
        steps: list[Step] = []
        for item in self._filters:
            positions, step = self._filtered(item, shard, whole, positions)
            steps.append(step)
        tables: dict[str, pa.Table] = {}
        for expression in self._expressions:
            positions, step = self._asked(expression, shard, whole, positions, tables)
            steps.append(step)
        shown = whole if columns is None else whole.select(list(dict.fromkeys(("uid", *columns))))
        return Part(self, shard, _taken(shown, positions), whole.num_rows, positions, tuple(steps), whole)

    def check_expressions(self, shard: int) -> None:
        """Refuse expressions that name columns which the shard has not, or that its columns' types do not allow.

        Raises:
            DatasetError: if so.
        """
        whole = self._images(shard, ["uid"])
        for expression in self._expressions:
            self._asked(expression, shard, whole, np.zeros(0, np.int64), {}, even_of_none=True)

    def _images(self, shard: int, columns: Sequence[str] | None) -> pa.Table:
        """The shard's images table with ``columns`` (all if not given) and what filters and expressions need."""
        named = sorted({name.column for item in self._expressions for name in item.names if name.table == IMAGES})
        wanted = columns if columns is None or not self.view else list(dict.fromkeys([*columns, "row", *named]))
        try:
            images = self.dataset.images(shard, wanted)
        except DatasetError as error:
            raise self._explained(error, IMAGES) from error
        if missing := [name for name in named if name not in images.column_names]:
            raise self._no_column(IMAGES, missing[0], images.column_names)
        return images

    def _layer(self, name: str, shard: int, whole: pa.Table) -> pa.Table:
        """The columns of a layer that expressions name under ``name``."""
        named = {item.column for expression in self._expressions for item in expression.names if item.table == name}
        try:
            return self.dataset.layer(self._reads[name], shard, whole, sorted(named))
        except DatasetError as error:
            raise self._explained(error, name) from error

    def _explained(self, error: DatasetError, table: str) -> DatasetError:
        """``error``, or what is wrong with the expression if it named a column that is not in ``table``."""
        cause = error.__cause__
        if not isinstance(cause, MissingColumn) or not self._expressions:
            return error
        return self._no_column(table, cause.name, cause.there)

    def _no_column(self, table: str, name: str, there: Sequence[str]) -> DatasetError:
        """The error about a column that an expression names, and that is not among those of ``table``."""
        if table != IMAGES:
            why = f"the layer {self._reads[table]} has no column {name}; near: {_near(name, there)}"
        elif name in KINDS:
            why = f"{name} is a kind of layer: name one of its columns, such as {name}.{KINDS[name].columns[-1].name}"
        else:
            near = _near(name, [*there, *KINDS])
            why = f"no column of the images table and no kind of layer is called {name}; near: {near}"
        return DatasetError(f"{self.what}: an expression cannot be evaluated: {why}")

    def _filtered(self, item: Filter, shard: int, whole: pa.Table, positions: Indices) -> tuple[Indices, Step]:
        """Which of ``positions`` a filter leaves."""
        gone = self._left_out(item, shard).column("row").combine_chunks()
        left_out = pc.is_in(_taken(whole.select(["row"]), positions).column("row"), value_set=gone).to_numpy()
        return _step(item.name, positions, ~left_out, 0)

    def _left_out(self, item: Filter, shard: int) -> pa.Table:
        """What a filter leaves out of a shard, also if ``compact`` has replaced the filter since the view was opened."""
        try:
            return item.left_out(shard)
        except DatasetError as error:
            missing = isinstance(error.__cause__, FileNotFoundError)
            instead = replaced(self.view, item) if self.view and missing else None
            if instead is None:
                raise
            self._filters = tuple(instead if one.name == item.name else one for one in self._filters)
            return instead.left_out(shard)

    def _asked(
        self,
        expression: Expression,
        shard: int,
        whole: pa.Table,
        positions: Indices,
        tables: dict[str, pa.Table],
        even_of_none: bool = False,
    ) -> tuple[Indices, Step]:
        """For which of ``positions`` an expression is true.

        Args:
            tables: the layers' columns, by the name that expressions have for them; what is missing is read into it.
            even_of_none: whether layers are read although there is no position.
        """
        from humanverse.dataset.expression.evaluate import evaluate

        if not len(positions) and not even_of_none:
            return _step(expression.text, positions, np.zeros(0, bool), 0)
        for name in expression.layers:
            if name not in tables:
                tables[name] = self._layer(name, shard, whole)
        named = {str(name): (tables.get(name.table, whole)).column(name.column) for name in sorted(expression.names)}
        table = pa.table({COUNTED: whole.column("uid"), **named})
        try:
            said = evaluate(expression, _taken(table, positions))
        except UserError as error:
            raise DatasetError(f"{self.what}, shard {shard}: {error}") from error
        return _step(expression.text, positions, pc.fill_null(said, False).to_numpy(), said.null_count)


def _near(name: str, there: Sequence[str]) -> str:
    """Those of ``there`` that may be meant by ``name``; some of them if none looks like it."""
    near = get_close_matches(name, there, 3, 0.5)
    more = f" and {len(there) - _SOME} more" * (len(there) > _SOME)
    return ", ".join(near) if near else f"none; there are {', '.join(there[:_SOME])}{more}"


def _step(what: str, positions: Indices, keeps: np.ndarray, said_nothing: int) -> tuple[Indices, Step]:
    """The positions that stay, and the count of it.

    Args:
        keeps: bool, of each position.
        said_nothing: how many of the others have no answer.
    """
    after = positions[keeps]
    left_out = len(positions) - len(after) - said_nothing
    return after, Step(step=what, before=len(positions), left_out=left_out, said_nothing=said_nothing, after=len(after))

"""Views: which samples a reader is given. A view names filters; a filter lists, shard by shard, the samples it leaves out.

A filter is written once, into a folder of its own, and is there when its card is. A view is one JSON file that is replaced at
once, so that a reader sees all of the old or all of the new. No picture is touched.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Annotated, Any, TypeVar

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

import humanverse
from humanverse.dataset import layout
from humanverse.dataset.create import json_bytes, read_json
from humanverse.dataset.parquet import parquet_bytes, parquet_table
from humanverse.errors import DatasetError, UserError
from humanverse.storage import Store
from schemas.filters import SCHEMA

FORMAT = 1
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
FILTER = re.compile(rf"{NAME.pattern}/[0-9]{{6}}")
AGAIN = "run the command that made it again"

_Span = tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0)]]
M = TypeVar("M", bound=BaseModel)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FilterCard(_Strict):
    """``filter.json``: what made the filter, and what it has seen.

    Attributes:
        made_by: command and settings.
        shards: [first, last] of each run of shards that it has looked at, ascending.
        left_out: shard number (in digits) -> how many of its samples it leaves out; others have no file.
        counts: figures of the making.
    """

    format: int = FORMAT
    made_by: dict[str, Any]
    shards: tuple[_Span, ...]
    left_out: dict[str, int]
    counts: dict[str, int]
    code: str = ""
    time: str = ""

    @field_validator("left_out")
    @classmethod
    def _numbers(cls, value: dict[str, int]) -> dict[str, int]:
        if any(not name.isdecimal() or rows < 1 for name, rows in value.items()):
            raise ValueError("left_out is not rows by shard number")
        return value

    def sees(self, shard: int) -> bool:
        return any(first <= shard <= last for first, last in self.shards)


class ViewCard(_Strict):
    """``views/<name>.json``: the filters (``<name>/<generation>``) whose samples are left out."""

    format: int = FORMAT
    name: str
    exclude: tuple[str, ...]
    code: str = ""
    time: str = ""

    @field_validator("exclude")
    @classmethod
    def _filters(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        strange = [name for name in value if not FILTER.fullmatch(name)]
        if strange:
            raise ValueError(f"{strange[0]!r} is no filter")
        return value


@dataclass(frozen=True)
class Filter:
    """A filter, open for reading; ``name`` is ``<name>/<generation>``."""

    store: Store
    name: str
    card: FilterCard

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
            raise DatasetError(f"{self.store.url}/{path} has {table.num_rows} rows instead of {rows}: {AGAIN}")
        return table


@dataclass(frozen=True)
class View:
    """A view, open for reading. What it names does not change any more, even if the view is made anew meanwhile."""

    store: Store
    name: str
    filters: tuple[Filter, ...]

    def unseen(self, shards: Iterable[int]) -> list[int]:
        """Those of ``shards`` that one of the filters has not looked at."""
        return [shard for shard in shards if not all(item.card.sees(shard) for item in self.filters)]

    def check_sees(self, shards: Iterable[int]) -> None:
        """Refuse shards that a filter has not looked at: what it would leave out of them is not known.

        Raises:
            DatasetError: naming the first of them.
        """
        if unseen := self.unseen(shards):
            commands = sorted({str(item.card.made_by.get("command", "?")) for item in self.filters})
            raise DatasetError(
                f"the view {self.name} of {self.store.url} has not seen {len(unseen)} newer shards (the first is "
                f"{unseen[0]}): run humanverse {', '.join(commands)} again"
            )

    def keeps(self, shard: int, images: pa.Table) -> pa.ChunkedArray:
        """For each row of ``images``, the table of a shard's samples, whether the view has it.

        Raises:
            DatasetError: if a filter has not seen the shard, or its file is damaged.
        """
        self.check_sees([shard])
        gone = pa.concat_tables([SCHEMA.empty_table(), *(item.left_out(shard) for item in self.filters)])
        return pc.invert(pc.is_in(images.column("row"), value_set=gone.column("row").combine_chunks()))


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
        what = " ".join(error.errors()[0]["msg"].split())
        raise DatasetError(f"{store.url}/{path} is damaged ({what}): {AGAIN}") from error


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
    return View(store, name, tuple(read_filter(store, item) for item in card.exclude))


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


def write_view(store: Store, name: str, exclude: Sequence[str]) -> None:
    """Make ``views/<name>.json``, or replace it at once.

    Args:
        exclude: finished filters, ``<name>/<generation>``.
    """
    card = ViewCard(name=check_name(name), exclude=tuple(exclude), **_stamp())
    store.write(layout.view(name), json_bytes(card.model_dump(mode="json")))

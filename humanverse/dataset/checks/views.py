"""Views and their filters: what they name is there, and what they leave out is as near to what stays as they say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from humanverse.dataset import layout, views
from humanverse.dataset.checks.finding import Finding, Unreadable, first_of, note, problem, read_table
from humanverse.dataset.checks.held import Held
from humanverse.dataset.parquet import parquet_table
from humanverse.dataset.reader import Dataset
from humanverse.dataset.selection import LayerGone
from humanverse.errors import DatasetError
from humanverse.plurals import plural, word
from schemas.filters import SCHEMA

_COLUMNS = ("uid", "row", "phash")


def check(held: Held, dataset: Dataset, committed: frozenset[int]) -> Iterator[Finding]:
    """Every view, and every filter that a view names.

    Memory grows with the rows of one filter, and with nothing else.

    Args:
        dataset: that ``held`` is of.
        committed: numbers of the committed shards.
    """
    used: dict[str, views.Filter] = {}
    for name in held.store.names(layout.VIEWS):
        path = f"{layout.VIEWS}/{name}"
        if name.removesuffix(".json") not in views.names(held.store):
            yield note(path, "does not belong to the dataset")
            continue
        try:
            view = views.read_view(held.store, name.removesuffix(".json"))
        except DatasetError:
            yield problem(path, "is damaged, or names a filter that is missing or damaged")
            continue
        used |= {item.name: item for item in view.filters}
        yield from _view(path, view, dataset, committed)
    yield from _folders(held)
    for item in used.values():
        yield from _filter(held, item, committed)


def _view(path: str, view: views.View, dataset: Dataset, committed: frozenset[int]) -> Iterator[Finding]:
    """The layers and columns that it names are there, and its expressions are allowed."""
    try:
        selection = dataset.select(view)
    except LayerGone as error:
        yield note(path, f"cannot be read: {error}")
        return
    except DatasetError as error:
        yield problem(path, f"cannot be read: {error}")
        return
    unreadable = selection.unreadable(committed)
    if unseen := view.unseen(committed):
        yield note(
            path,
            f"has not seen {len(unseen)} of the shards; until it is made again, it cannot be read with "
            f"{word(len(unseen), 'it', 'them')}",
        )
    if lacking := len(set(unreadable) - set(unseen)):
        yield note(
            path,
            f"names a layer that {lacking} of the shards {word(lacking, 'has', 'have')} not yet; it cannot be "
            f"read with {word(lacking, 'it', 'them')}",
        )
    readable = sorted(committed - set(unreadable))
    try:
        if readable:
            selection.check_expressions(readable[0])
    except DatasetError as error:
        yield problem(path, f"cannot be read: {error}")


def _tables(held: Held, item: str) -> Iterator[str]:
    """Files of a filter, but for its card; none in the empty folder that some buckets keep of one that was deleted."""
    names = held.store.names(layout.filter_folder(item))
    return (name for name in names if layout.shard_number(name) is not None)


def _folders(held: Held) -> Iterator[Finding]:
    """What lies among the filters and is none; one that no view names is left for those who still read it."""
    for name in held.store.names(layout.FILTERS):
        known = views.generations(held.store, name) if views.NAME.fullmatch(name) else []
        if not known:
            yield note(f"{layout.FILTERS}/{name}", "does not belong to the dataset")
        for item in known:
            if not held.store.exists(layout.filter_card(item)) and any(_tables(held, item)):
                yield note(layout.filter_folder(item), "is being written, or was left by a run that was killed")


@dataclass
class _Rows:
    """All rows of a filter.

    Attributes:
        table: ``schemas.filters.SCHEMA``, the tables of its shards one after the other.
        shards: int64, the shard of each row.
        hashes: uint64 (2, rows): ``phash`` of what is left out, and of what stays.
        known: bool (2, rows): whether that sample was found, with the uid that the filter gives.
        readable: shards whose samples could be read.
    """

    table: pa.Table
    shards: np.ndarray
    hashes: np.ndarray = field(init=False)
    known: np.ndarray = field(init=False)
    readable: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.hashes = np.zeros((2, len(self.shards)), np.uint64)
        self.known = np.zeros((2, len(self.shards)), bool)

    def places(self) -> Iterable[tuple[np.ndarray, str, str]]:
        """Shard, and names of the columns of row and uid, of what is left out and of what stays."""
        return (self.shards, "row", "uid"), (self.table.column("of_shard").to_numpy(), "of_row", "of_uid")


def _filter(held: Held, item: views.Filter, committed: frozenset[int]) -> Iterator[Finding]:
    card = layout.filter_card(item.name)
    seen = (shard for first, last in item.card.shards for shard in range(first, last + 1))
    gone = next((shard for shard in seen if shard not in committed), None)
    if gone is not None:
        yield problem(card, f"has seen shard {gone}, which is not there")
    tables: list[pa.Table] = []
    shards: list[np.ndarray] = []
    for name, rows in item.card.left_out.items():
        path = layout.filter_table(item.name, int(name))
        try:
            table = read_table(held.store, path, SCHEMA)
        except Unreadable as error:
            yield error.finding
            continue
        order = table.column("row").to_numpy()
        if table.num_rows != rows or not (order[1:] > order[:-1]).all():
            yield problem(path, f"does not have the {plural(rows, 'row')} that {card} says, ascending")
        tables.append(table)
        shards.append(np.full(table.num_rows, int(name)))
    if tables:
        found = _Rows(pa.concat_tables(tables).combine_chunks(), np.concatenate(shards))
        _look_up(held, found)
        yield from _wrong(held, item, found)


class _ByShard:
    """Which rows are of a shard, without looking at all of them for each.

    Args:
        shards: int64, the shard of each row.
    """

    def __init__(self, shards: np.ndarray) -> None:
        self._order = np.argsort(shards, kind="stable")
        self._shards = shards[self._order]

    def rows(self, shard: int) -> np.ndarray:
        """int64, ascending."""
        first, stop = np.searchsorted(self._shards, (shard, shard + 1))
        return self._order[first:stop]


def _look_up(held: Held, rows: _Rows) -> None:
    """Find the samples that the rows name, shard by shard."""
    by_shard = [_ByShard(numbers) for numbers, _, _ in rows.places()]
    for shard in sorted({int(number) for numbers, _, _ in rows.places() for number in np.unique(numbers)}):
        try:
            table = parquet_table(held.store.read(layout.images_table(shard, held.generation(shard))), _COLUMNS)
        except (FileNotFoundError, ValueError):
            continue
        rows.readable.add(shard)
        order = np.argsort(table.column("row").to_numpy())
        numbers = table.column("row").to_numpy()[order]
        hashes = table.column("phash").to_numpy()[order]
        uids = np.array(table.column("uid").to_pylist(), object)[order]
        if not len(numbers):
            continue
        for side, (_, row, uid) in enumerate(rows.places()):
            here = by_shard[side].rows(shard)
            wanted = rows.table.column(row).to_numpy()[here]
            at = np.minimum(np.searchsorted(numbers, wanted), len(numbers) - 1)
            named = np.array(rows.table.column(uid).take(pa.array(here)).to_pylist(), object)
            rows.known[side, here] = (numbers[at] == wanted) & (uids[at] == named)
            rows.hashes[side, here] = hashes[at]


def _wrong(held: Held, item: views.Filter, rows: _Rows) -> Iterator[Finding]:
    readable = np.stack([np.isin(shards, list(rows.readable)) for shards, _, _ in rows.places()])
    missing = readable & ~rows.known
    apart = np.bitwise_count(rows.hashes[0] ^ rows.hashes[1])
    both = rows.known.all(axis=0)
    out_too = np.isin(rows.table.column("of_row").to_numpy(), rows.table.column("row").to_numpy())
    faults = (
        (missing[0], "is left out, and is not in the shard"),
        (missing[1], "is left out for a sample that is not there"),
        (out_too, "is left out for a sample that is left out too"),
        (both & (apart != rows.table.column("distance").to_numpy()), "has another distance to the sample that stays"),
    )
    uids = rows.table.column("uid").to_pylist()
    for bad, message in faults:
        for shard in np.unique(rows.shards[bad]):
            concerned = np.flatnonzero(bad & (rows.shards == shard))
            yield problem(layout.filter_table(item.name, int(shard)), first_of(uids, concerned, message))
    dead = sum(uid in held.tombstones for uid in set(rows.table.column("of_uid").to_pylist()))
    if dead:
        yield note(
            layout.filter_card(item.name), f"leaves samples out for {dead} that were removed since; make it again"
        )

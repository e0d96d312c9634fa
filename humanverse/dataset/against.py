"""What has changed in a dataset since a snapshot was taken of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from humanverse.dataset import create, layout
from humanverse.dataset.merges import Merged, read_merges
from humanverse.dataset.reader import Dataset
from humanverse.dataset.snapshots import SnapshotCard, digest, read_files, read_snapshot
from humanverse.dataset.status import over_shards
from humanverse.dataset.take_snapshot import Scope, count_tombstones, uids_digest
from humanverse.errors import DatasetError
from humanverse.plurals import plural

CHANGED = "changed"
ADDED = "added"
DEFINING = ("exclude", "where", "layers", "reads")
"""What of a view's card decides which samples it has, and what is read of them."""


@dataclass(frozen=True)
class Change:
    """One thing that is not as it was.

    Attributes:
        level: ``changed``: the snapshot pins it; ``added``: it came beside what is pinned.
        what: ``files``, ``shards``, ``samples``, ``layers`` or ``view``.
        message: what has become of it.
    """

    level: str
    what: str
    message: str


@dataclass
class Comparison:
    """A dataset beside a snapshot of it.

    Attributes:
        number: of the snapshot.
        name, time: of the snapshot.
        shards: that it pins.
        files: that it pins.
        rewritten: pinned shards that ``compact`` has rewritten since.
        forgotten: samples that were served, and are not any more.
        tombstones: that came since.
        added_shards: by where they came from: ``build``, ``retry`` or ``merge``.
        gone_files, changed_files: pinned files by kind.
        changes: all of it in words.
    """

    number: int
    name: str
    time: str
    shards: int
    files: int
    rewritten: int = 0
    forgotten: int = 0
    tombstones: int = 0
    added_shards: dict[str, int] = field(default_factory=dict)
    gone_files: dict[str, int] = field(default_factory=dict)
    changed_files: dict[str, int] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)

    @property
    def same(self) -> bool:
        """Whether all that is pinned is as it was."""
        return not any(change.level == CHANGED for change in self.changes)

    def as_json(self) -> dict[str, Any]:
        return {"same": self.same, **asdict(self)}


@dataclass
class _Shard:
    """One pinned shard now.

    Attributes:
        gone: it is not committed any more.
        rewritten: it has another generation.
        gone_files, changed_files: by kind, of the generation that is pinned.
        forgotten: samples that are not served any more.
        other: whether other samples are served than were, and not only fewer.
    """

    gone: bool = False
    rewritten: bool = False
    gone_files: Counter[str] = field(default_factory=Counter)
    changed_files: Counter[str] = field(default_factory=Counter)
    forgotten: int = 0
    other: bool = False


def kind_of(path: str) -> str:
    """What a pinned file is: ``ledger``, ``images table``, ``images tar``, ``layer pose/movenet``, ``recipe.yaml`` …"""
    folder, _, name = path.rpartition("/")
    if folder == layout.IMAGES:
        return f"{layout.IMAGES} {'tar' if name.endswith('.tar') else 'table'}"
    if folder.startswith(f"{layout.LAYERS}/"):
        return f"layer {folder.partition('/')[2]}"
    return folder.partition("/")[0] or name


def compare(dataset: Dataset, number: int, progress: Callable[[int], None] = lambda shard: None) -> Comparison:
    """Look at everything that the snapshot ``number`` pins, and at what came beside it.

    Memory is bounded by a few shards' tables. Tars are read if the snapshot has their hashes; else their size is compared.

    Args:
        progress: told the number of each pinned shard when it is done, in order.

    Raises:
        DatasetError: if there is no such snapshot, or it is damaged.
    """
    card = read_snapshot(dataset.store, number)
    pinned = list(card.numbers())
    found = Comparison(number, card.name, card.time, len(pinned), card.files)
    committed = frozenset(dataset.shards())
    found.changes += _view(dataset, card)
    scope = None if any(change.what == "view" for change in found.changes) else _scope(dataset, card, found)
    shards: list[_Shard] = []
    gone, changed = Counter[str](), Counter[str]()

    def one(group: tuple[int | None, list[dict[str, Any]]]) -> tuple[int | None, _Shard]:
        shard, rows = group
        if shard is None:
            now = _Shard()
            _files(dataset, rows, now)
            return None, now
        return shard, _shard(dataset, scope, card, shard, rows, committed)

    for shard, now in over_shards(one, read_files(dataset.store, number, card)):
        gone += now.gone_files
        changed += now.changed_files
        if shard is not None:
            shards.append(now)
            progress(shard)
    found.gone_files, found.changed_files = dict(sorted(gone.items())), dict(sorted(changed.items()))
    found.rewritten = sum(now.rewritten for now in shards)
    found.forgotten = sum(now.forgotten for now in shards)
    found.tombstones = count_tombstones(dataset) - card.tombstones
    found.changes += [*_of_files(found), *_of_shards(found, shards), *_layers(dataset, card, committed)]
    found.changes += _added_shards(dataset, found, committed.difference(pinned))
    return found


def _scope(dataset: Dataset, card: SnapshotCard, found: Comparison) -> Scope | None:
    """How samples are served now; None if the view cannot be read any more."""
    try:
        selection = dataset.select(card.view.name if card.view else None)
    except DatasetError as error:
        found.changes.append(Change(CHANGED, "view", str(error)))
        return None
    return Scope(dataset, selection, {}, card.view is None, frozenset())


def _view(dataset: Dataset, card: SnapshotCard) -> Iterator[Change]:
    """Whether the view is gone or another one."""
    if card.view is None:
        return
    name = card.view.name
    try:
        now = dataset.view(name).card
    except DatasetError as error:
        yield Change(CHANGED, "view", str(error))
        return
    old, new = (view.model_dump(mode="json", include=set(DEFINING)) for view in (card.view, now))
    if changed := list(create.differences(old, new)):
        yield Change(CHANGED, "view", f"the view {name} is another one now ({'; '.join(changed)})")


def _shard(
    dataset: Dataset,
    scope: Scope | None,
    card: SnapshotCard,
    shard: int,
    rows: list[dict[str, Any]],
    committed: frozenset[int],
) -> _Shard:
    now = _Shard()
    if shard not in committed:
        now.gone = True
        return now
    now.rewritten = dataset.generation(shard) != card.generations.get(str(shard), 0)
    if not now.rewritten:
        _files(dataset, rows, now)
    before = rows[0]
    if scope is not None:
        try:
            samples, uids = uids_digest(scope.selection, shard)
        except DatasetError:
            now.other = True
            return now
        now.forgotten = max(0, before["samples"] - samples)
        now.other = uids != before["uids_sha256"] and samples >= before["samples"]
    return now


def _files(dataset: Dataset, rows: list[dict[str, Any]], now: _Shard) -> None:
    """Note which of the pinned files are gone or have other bytes."""
    for row in rows:
        path, kind = row["path"], kind_of(row["path"])
        try:
            if row["sha256"] is None:
                same = dataset.store.size(path) == row["size"]
            else:
                same = digest(dataset.store, path) == (row["size"], row["sha256"])
        except FileNotFoundError:
            now.gone_files[kind] += 1
            continue
        if not same:
            now.changed_files[kind] += 1


def _of_files(found: Comparison) -> Iterator[Change]:
    for kind in sorted({*found.gone_files, *found.changed_files}):
        gone, changed = found.gone_files.get(kind, 0), found.changed_files.get(kind, 0)
        if gone:
            yield Change(CHANGED, "files", f"{kind}: {gone} pinned files are gone")
        if changed:
            yield Change(
                CHANGED, "files", f"{kind}: {plural(changed, 'pinned file has', 'pinned files have')} other bytes"
            )


def _of_shards(found: Comparison, shards: list[_Shard]) -> Iterator[Change]:
    if gone := sum(now.gone for now in shards):
        yield Change(CHANGED, "shards", f"{plural(gone, 'pinned shard is', 'pinned shards are')} gone")
    if found.rewritten:
        yield Change(
            CHANGED,
            "shards",
            f"{plural(found.rewritten, 'pinned shard was', 'pinned shards were')} rewritten by compact",
        )
    if found.forgotten:
        yield Change(
            CHANGED,
            "samples",
            f"{plural(found.forgotten, 'sample that was served was', 'samples that were served were')} forgotten since",
        )
    if other := sum(now.other for now in shards):
        yield Change(
            CHANGED,
            "samples",
            f"{plural(other, 'pinned shard serves', 'pinned shards serve')} other samples than before",
        )
    if found.tombstones > 0:
        yield Change(ADDED, "samples", f"{plural(found.tombstones, 'tombstone')} came since")


def _layers(dataset: Dataset, card: SnapshotCard, committed: frozenset[int]) -> Iterator[Change]:
    """Which layers are gone, others, or new."""
    now = dataset.layers()
    for layer, fingerprint in card.layers.items():
        if layer not in now:
            yield Change(CHANGED, "layers", f"{layer} was dropped")
        elif dataset.layer_card(layer).get("fingerprint") != fingerprint:
            yield Change(CHANGED, "layers", f"{layer} was made anew, otherwise")
    if card.view is None:
        for layer in now:
            if layer not in card.layers:
                yield Change(
                    ADDED,
                    "layers",
                    f"{layer} is new, in {plural(len(dataset.layer_shards(layer) & committed), 'shard')}",
                )


def _added_shards(dataset: Dataset, found: Comparison, new: frozenset[int]) -> Iterator[Change]:
    """Where the shards that came since are from."""
    if not new:
        return
    merged = Merged(read_merges(dataset.store))
    origins = Counter(
        "build" if number < dataset.planned_shards else "merge" if number in merged else "retry" for number in new
    )
    found.added_shards = dict(sorted(origins.items()))
    told = ", ".join(f"{count} by {origin}" for origin, count in found.added_shards.items())
    yield Change(ADDED, "shards", f"{plural(len(new), 'shard')} came since: {told}")

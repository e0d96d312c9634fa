"""``merge``: add what other datasets have to one, shard by shard; run again, it does what is not committed yet."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from humanverse.dataset import create, merge_layers, numbering, tombstones
from humanverse.dataset.find import uids_behind
from humanverse.dataset.known_uids import KnownUids
from humanverse.dataset.merge_shard import Copier, Decided, Final, Loaded, decide, load
from humanverse.dataset.merges import Merge, MergedShard, merge_numbers, read_merges, write_merge
from humanverse.dataset.plan_merge import check_other, image_columns, plan
from humanverse.dataset.reader import Dataset
from humanverse.dataset.status import over_shards
from humanverse.dataset.tombstones import Tombstones, Watch
from humanverse.errors import DatasetError, UserError
from pipelines.progress import Counts, Display, Local, say


@dataclass
class Part:
    """What came of one other dataset.

    Attributes:
        url: where it is.
        merged_before: when it was merged before, if it was.
        continued: whether an earlier run had planned some of it.
        shards: that were to be added.
        rows: that they have.
        kept: samples that were added.
        duplicates: samples that were here already.
        forgotten: rows that are forgotten here or there.
        bytes: of the pictures that were added.
        tombstones: that were not here yet.
        layers: ``<kind>/<name>`` there -> here, of those that are copied.
        left_layers: of those that are not, why.
        recipe: how its recipe differs.
        empty_columns: columns of the images that it does not have.
        dropped_columns: columns of the images that only it has.
        lost: shard number -> why it is not committed.
    """

    url: str
    merged_before: str = ""
    continued: bool = False
    shards: int = 0
    rows: int = 0
    kept: int = 0
    duplicates: int = 0
    forgotten: int = 0
    bytes: int = 0
    tombstones: int = 0
    layers: dict[str, str] = field(default_factory=dict)
    left_layers: dict[str, str] = field(default_factory=dict)
    recipe: list[str] = field(default_factory=list)
    empty_columns: list[str] = field(default_factory=list)
    dropped_columns: list[str] = field(default_factory=list)
    lost: dict[int, str] = field(default_factory=dict)

    def planned(self, merge: Merge, left: int) -> None:
        """Note a merge of which ``left`` shards are to be done."""
        self.shards += left
        self.layers |= merge.layers
        self.recipe = list(merge.recipe)
        self.empty_columns, self.dropped_columns = list(merge.empty_columns), list(merge.dropped_columns)

    def add(self, decided: Decided) -> None:
        """Note one shard that is done."""
        counts = decided.counts
        self.rows, self.bytes = self.rows + counts["rows"], self.bytes + counts["bytes"]
        self.kept, self.forgotten = self.kept + counts["kept"], self.forgotten + counts["forgotten"]
        self.duplicates += counts["duplicates"]


@dataclass
class Result:
    """What ``merge`` did.

    Attributes:
        url: of the dataset.
        dry_run: whether nothing was written.
        others: one for each other dataset.
        seconds: wall time.
    """

    url: str
    dry_run: bool
    others: list[Part] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def lost(self) -> bool:
        return any(part.lost for part in self.others)

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "seconds": round(self.seconds, 3)}


@dataclass(frozen=True)
class _Other:
    """A dataset that is merged.

    Attributes:
        earlier: merges of it so far.
        unfinished: those of them that are not finished.
        forgotten: there, and not here; with what its URLs gave here.
    """

    dataset: Dataset
    earlier: list[Merge]
    unfinished: list[Merge]
    forgotten: Tombstones

    @property
    def seen(self) -> int:
        return max((one.seen for one in self.earlier), default=0)

    @property
    def has_news(self) -> bool:
        return bool(self.unfinished or self.forgotten) or self.seen < len(self.dataset.shards())


def merge(url: str, others: Sequence[str], only_both: bool = False, dry_run: bool = False) -> Result:
    """Add to the dataset at ``url`` what ``others`` have and it has not; no file that is there is changed.

    Args:
        others: complete datasets; they are only read.
        only_both: leave out layers that are not in ``url``.
        dry_run: write nothing, and say what would be done.

    Raises:
        UserError: for whatever the user can mend.
    """
    begun = time.monotonic()
    dataset = Dataset(url)
    image_columns(dataset)
    opened = [_open(dataset, other) for other in others]
    _check_distinct(opened)
    if not any(other.has_news for other in opened):
        known = "; ".join(f"{other.dataset.store.url} was merged {other.earlier[-1].time}" for other in opened)
        raise UserError(f"{url} has everything already: {known}")
    _say_unfinished(dataset, opened)
    result = Result(dataset.store.url, dry_run)
    job = _Job(dataset, only_both, dry_run)
    for other in opened:
        if result.lost:
            say(f"merge: {other.dataset.store.url} is not begun, since shards of the one before are not committed")
            break
        result.others.append(job.do(other))
    result.seconds = time.monotonic() - begun
    return result


def _open(dataset: Dataset, url: str) -> _Other:
    other = Dataset(url)
    check_other(dataset, other)
    identity, committed = create.identity(other.store), frozenset(dataset.shards())
    earlier = [one for one in read_merges(dataset.store) if one.identity == identity]
    there, here = other.forgotten, dataset.forgotten
    new = Tombstones(there.uids - here.uids, there.url_keys - here.url_keys)
    behind = frozenset().union(*uids_behind(dataset, new.url_keys, sorted(committed)).values())
    new |= Tombstones(behind - here.uids)
    return _Other(other, earlier, [one for one in earlier if one.unfinished(committed)], new)


def _check_distinct(opened: Sequence[_Other]) -> None:
    identities = [create.identity(other.dataset.store) for other in opened]
    for other, identity in zip(opened, identities, strict=True):
        if identities.count(identity) > 1:
            raise UserError(f"{other.dataset.store.url} is named twice, itself or as a copy: name it once")


def _say_unfinished(dataset: Dataset, opened: Sequence[_Other]) -> None:
    """Say which earlier merges this run does not finish."""
    committed, named = frozenset(dataset.shards()), {one.identity for other in opened for one in other.earlier}
    for one in read_merges(dataset.store):
        if one.unfinished(committed) and one.identity not in named:
            say(f"merge: that of {one.url} is not finished: humanverse merge {dataset.store.url} {one.url}")


class _Job:
    """Merges one dataset after the other.

    Args:
        dataset: that they are merged into.
    """

    def __init__(self, dataset: Dataset, only_both: bool, dry_run: bool) -> None:
        self._dataset, self._only_both, self._dry_run = dataset, only_both, dry_run
        self._schema = image_columns(dataset)
        shards, count = dataset.shards(), Local()
        with Display(
            "merge, looking at what is here", len(shards), 0, count.counts, math.inf, unit="shards", note=_speed
        ):
            self._known = KnownUids.of(dataset, shards, lambda shard: count(rows=1))
        self._number, self._row = numbering.next_shard(dataset), numbering.next_row(dataset)

    def do(self, other: _Other) -> Part:
        part = Part(other.dataset.store.url, other.earlier[-1].time if other.earlier else "")
        part.tombstones = len(other.forgotten.uids) + len(other.forgotten.url_keys)
        if other.forgotten and not self._dry_run:
            tombstones.write(self._dataset.store, other.forgotten, f"forgotten in {part.url}")
        for one in other.unfinished:
            part.continued = True
            self._finish(other.dataset, one, part)
        made, matched = plan(self._dataset, other.dataset, other.seen, self._number, self._row, self._only_both)
        if made is not None:
            self._number, self._row = made.numbers.stop, made.end_row
            if not self._dry_run:
                write_merge(self._dataset.store, max(merge_numbers(self._dataset.store), default=-1) + 1, made)
            self._finish(other.dataset, made, part)
        if part.shards:
            part.left_layers = matched.left
        return part

    def _finish(self, other: Dataset, one: Merge, part: Part) -> None:
        """Do what is not committed of a planned merge."""
        left = one.unfinished(frozenset(self._dataset.shards()))
        part.planned(one, len(left))
        title = "merge, dry run" if self._dry_run else "merge"
        count = Local()
        with Display(
            title, one.rows, one.rows - sum(shard.rows for shard in left), count.counts, math.inf, note=_note
        ) as display:
            copier = None if self._dry_run else self._copier(other, one)
            for done in over_shards(lambda decided: _copied(copier, decided), self._decisions(other, one, left, part)):
                if isinstance(done, _Lost):
                    self._lose(other, done, part)
                    display.say(f"shard {done.number} is not committed: {part.lost[done.number]}")
                else:
                    part.add(done)
                    count(rows=done.shard.rows, kept=len(done.kept))

    def _copier(self, other: Dataset, one: Merge) -> Copier:
        layers = merge_layers.declare(self._dataset, other, one.layers)
        for layer in one.layers.keys() - layers.keys():
            say(f"merge: layer {layer} of {other.store.url} is another one now than when this was planned: not copied")
        having = {layer: other.layer_shards(layer) for layer in layers}
        return Copier(self._dataset, other, self._schema, layers, having, Watch(self._dataset.store))

    def _decisions(
        self, other: Dataset, one: Merge, left: Sequence[MergedShard], part: Part
    ) -> Iterator[Decided | _Lost]:
        """What becomes of each shard, in order: of two that have the same sample, the first keeps it."""
        final = Final(other, one.seen)
        for loaded in over_shards(lambda shard: _loaded(final, other, shard), left):
            if isinstance(loaded, _Lost):
                yield loaded
            else:
                yield decide(loaded, self._known, self._dataset.forgotten | other.forgotten)

    def _lose(self, other: Dataset, lost: _Lost, part: Part) -> None:
        other.shards()
        rewritten = other.generation(lost.of) != lost.generation
        part.lost[lost.number] = (
            f"{other.store.url} was compacted meanwhile: run the same command again" if rewritten else lost.why
        )


@dataclass(frozen=True)
class _Lost:
    """A shard that cannot be had; ``generation`` is that of its files when they were read."""

    number: int
    of: int
    generation: int
    why: str


def _loaded(final: Final, other: Dataset, shard: MergedShard) -> Loaded | _Lost:
    generation = other.generation(shard.of)
    try:
        return load(final, other, shard)
    except DatasetError as error:
        return _Lost(shard.number, shard.of, generation, str(error))


def _copied(copier: Copier | None, decided: Decided | _Lost) -> Decided | _Lost:
    """The shard, written unless nothing is to be."""
    if isinstance(decided, _Lost) or copier is None:
        return decided
    try:
        copier.write(decided)
    except DatasetError as error:
        return _Lost(decided.shard.number, decided.shard.of, decided.generation, str(error))
    return decided


def _speed(counts: Counts, rate: float) -> str:
    return f"{rate:.0f} shards/s"


def _note(counts: Counts, rate: float) -> str:
    return f"{rate:.0f} rows/s · new samples {counts.get('kept', 0)}"

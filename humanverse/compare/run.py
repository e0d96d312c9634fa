"""Compare two layers of a dataset, shard by shard; in memory are one shard's tables, a few numbers a sample, and the worst."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa

from humanverse.compare.findings import Findings
from humanverse.compare.measure import Measure, Pair, Row, Said, Side
from humanverse.compare.measures import MEASURES
from humanverse.dataset.reader import Dataset
from humanverse.dataset.sample import rows
from humanverse.dataset.selection import Part, Selection
from humanverse.errors import DatasetError, UserError
from schemas.layers import OK

SILENT = 20
"""Samples of which only one row is ok that are named."""
DENSE = "map_offset"
"""A column that rows of dense layers have."""


@dataclass(frozen=True, order=True)
class Worst:
    """A sample on which the two differ much: by how much, and where it is. Ordered by that."""

    value: float
    shard: int
    position: int
    uid: str = field(compare=False)
    url: str | None = field(compare=False)


@dataclass(frozen=True)
class Silent:
    """A sample about which only one layer says something: the one that does not, and why."""

    uid: str
    url: str | None
    layer: str
    status: str
    reason: str | None


@dataclass(frozen=True)
class Comparison:
    """Two layers compared.

    Attributes:
        a, b: the layers; ``b`` is the reference.
        view: the view whose samples were compared; None for all.
        shards: that were compared, in order.
        lacking: layer -> how many committed shards do not have it, and were left out.
        samples: in the shards, of the view.
        statuses: (status in A, status in B) -> samples; only those ok in both were compared.
        disagreement: what ``Worst.value`` is.
        worst: the samples that differ most, the worst first; those that do not differ are never among them.
        only_one: the first ``SILENT`` samples of which only one row is ok.
        truths_read: layers of ground truth that ``a`` was made from, be it through others.
    """

    url: str
    a: Side
    b: Side
    view: str | None
    shards: tuple[int, ...]
    lacking: Mapping[str, int]
    samples: int
    statuses: Mapping[tuple[str, str], int]
    disagreement: str
    findings: Findings
    worst: tuple[Worst, ...]
    only_one: tuple[Silent, ...] = ()
    truths_read: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        return self.a.layer.partition("/")[0]

    @property
    def compared(self) -> int:
        """Samples about which both layers say something."""
        return self.statuses.get((OK, OK), 0)

    @property
    def notes(self) -> tuple[str, ...]:
        """What one must know to read the findings."""
        turned = "A is ground truth: give it as NAME_B to have COCO's figures, and to compare with it as the reference."
        given = f"A was made from ground truth: {', '.join(self.truths_read)}."
        return (
            *self.findings.notes,
            *((turned,) if self.a.truth and not self.b.truth else ()),
            *((given,) if self.truths_read and not self.a.truth else ()),
        )


def layer_named(dataset: Dataset, kind: str, name: str) -> str:
    """``<kind>/<name>``.

    Raises:
        UserError: if kinds like it cannot be compared, or there is no such layer.
    """
    if kind not in MEASURES:
        raise UserError(f"cannot compare {kind!r}: choose a kind from {', '.join(MEASURES)}")
    there = [layer.partition("/")[2] for layer in dataset.layers() if layer.startswith(f"{kind}/")]
    if name not in there:
        raise UserError(f"no {kind} layer {name!r} in {dataset.store.url}: there are {', '.join(there) or 'none'}")
    return f"{kind}/{name}"


def side(dataset: Dataset, layer: str) -> Side:
    """What must be known of one layer."""
    card = dataset.layer_card(layer)
    there = dataset.layers()
    by_fingerprint = {str(dataset.layer_card(other).get("fingerprint")): other for other in there}
    reads = {kind: by_fingerprint.get(str(mark)) for kind, mark in (card.get("needs") or {}).items()}
    reads |= {kind: other for kind, other in (card.get("reads") or {}).items() if other in there}
    found = {kind: other for kind, other in reads.items() if other}
    return Side(layer, card, found, float(dataset.recipe.gate.person_score))


class _Shards:
    """Reads the pairs of a shard.

    Args:
        reads: kinds of layers, read by the two, of which the rows are wanted too.
        only: shard -> positions of the samples to read; all if not given.
    """

    def __init__(
        self,
        selection: Selection,
        a: Side,
        b: Side,
        reads: Sequence[str],
        only: Mapping[int, Sequence[int]] | None = None,
    ) -> None:
        self._selection, self._sides, self._only = selection, (a, b), only
        self._read = [{kind: one.reads[kind] for kind in reads if kind in one.reads} for one in (a, b)]
        layers = {layer for read in self._read for layer in read.values()}
        self._there = {layer: selection.dataset.layer_shards(layer) for layer in layers}

    def pairs(self, shard: int) -> Iterator[tuple[int, Pair]]:
        """The samples with what the two say of each, and its position in the shard's table."""
        part = self._part(shard)
        a, b = (self._said(one, read, part) for one, read in zip(self._sides, self._read, strict=True))
        for position, image, said_a, said_b in zip(part.positions.tolist(), rows(part.images), a, b, strict=True):
            yield position, Pair(image, said_a, said_b)

    def _part(self, shard: int) -> Part:
        part = self._selection.read(shard)
        if self._only is None:
            return part
        chosen = np.array(self._only[shard], np.int64)
        return replace(part, images=part.images.take(pa.array(chosen)), positions=part.positions[chosen])

    def _said(self, one: Side, read: Mapping[str, str], part: Part) -> Iterator[Said]:
        others = {kind: rows(part.layer(layer)) for kind, layer in read.items() if part.shard in self._there[layer]}
        for row in rows(part.layer(one.layer)):
            also = {kind: next(other) for kind, other in others.items()}
            spoken = {kind: other for kind, other in also.items() if other["status"] == OK}
            yield Said(row, spoken, self._png(one.layer, part.shard, row) if DENSE in row else lambda: None)

    def _png(self, layer: str, shard: int, row: Row) -> Callable[[], bytes | None]:
        return lambda: self._selection.dataset.map_png(layer, shard, row)


class _Heap:
    """The ``wanted`` worst samples; among equals the first."""

    def __init__(self, wanted: int) -> None:
        self._wanted = wanted
        self._heap: list[tuple[float, int, int, Worst]] = []

    def add(self, item: Worst) -> None:
        entry = (item.value, -item.shard, -item.position, item)
        if len(self._heap) < self._wanted:
            heapq.heappush(self._heap, entry)
        elif self._heap and entry > self._heap[0]:
            heapq.heapreplace(self._heap, entry)

    def ordered(self) -> tuple[Worst, ...]:
        return tuple(entry[-1] for entry in sorted(self._heap, reverse=True))


def common_shards(dataset: Dataset, kind: str, a: str, b: str) -> tuple[list[int], dict[str, int]]:
    """Shards that have both layers, and by layer how many do not have it.

    Raises:
        UserError: if there is no such layer, or no shard has both.
    """
    a, b = layer_named(dataset, kind, a), layer_named(dataset, kind, b)
    committed = dataset.shards()
    if not committed:
        raise UserError(f"{dataset.store.url} has no committed shard: build it first")
    there = {layer: dataset.layer_shards(layer) for layer in (a, b)}
    lacking = {layer: sum(shard not in found for shard in committed) for layer, found in there.items()}
    common = [shard for shard in committed if all(shard in found for found in there.values())]
    if not common:
        layer = max(lacking, key=lambda name: lacking[name])
        raise UserError(f"no shard has both {a} and {b}: complete {layer} with {dataset.annotate_command(layer)}")
    return common, {layer: number for layer, number in lacking.items() if number}


def compare(
    dataset: Dataset,
    kind: str,
    a: str,
    b: str,
    worst: int = 24,
    view: str | None = None,
    done: Callable[[int], None] = lambda samples: None,
    only: Mapping[int, Sequence[int]] | None = None,
) -> Comparison:
    """Compare the layer ``<kind>/<a>`` with ``<kind>/<b>``, the reference, over the shards that have both.

    Args:
        worst: how many of the samples that differ most to name, at the most.
        view: compare only this view's samples.
        done: told the number of samples of each finished shard.
        only: shard -> positions, among the view's samples of that shard, of those to compare; all if not given.

    Raises:
        UserError: if there is no such layer, no shard has both, or the view cannot be read with a shard.
        DatasetError: if something is damaged.
    """
    shards, lacking = common_shards(dataset, kind, a, b)
    shards = shards if only is None else [shard for shard in shards if shard in only]
    sides = side(dataset, f"{kind}/{a}"), side(dataset, f"{kind}/{b}")
    selection = dataset.select(view)
    selection.check(shards)
    measure = MEASURES[kind](*sides)
    reader = _Shards(selection, *sides, measure.reads, only)
    statuses: Counter[tuple[str, str]] = Counter()
    only_one: list[Silent] = []
    heap = _Heap(worst)
    for shard in shards:
        before = statuses.total()
        for position, pair in reader.pairs(shard):
            statuses[pair.a.row["status"], pair.b.row["status"]] += 1
            only_one += _silent(pair, sides) if len(only_one) < SILENT else ()
            _take_in(measure, heap, shard, position, pair)
        measure.end_of_shard()
        done(statuses.total() - before)
    return Comparison(
        dataset.store.url,
        *sides,
        view,
        tuple(shards),
        lacking,
        statuses.total(),
        dict(statuses),
        measure.disagreement,
        measure.findings(),
        heap.ordered(),
        tuple(only_one),
        tuple(sorted(layer for layer in _behind(dataset, sides[0]) if dataset.layer_card(layer).get("truth"))),
    )


def _behind(dataset: Dataset, one: Side) -> set[str]:
    """The layers that a layer was made from, and those that these were made from."""
    found: set[str] = set()
    waiting = [one]
    while waiting:
        new = set(waiting.pop().reads.values()) - found
        found |= new
        waiting += [side(dataset, layer) for layer in new]
    return found


def _silent(pair: Pair, sides: tuple[Side, Side]) -> list[Silent]:
    """The layer that says nothing, if the other does."""
    said = [(side.layer, said.row) for side, said in zip(sides, (pair.a, pair.b), strict=True)]
    silent = [(layer, row) for layer, row in said if row["status"] != OK]
    if len(silent) != 1:
        return []
    ((layer, row),) = silent
    return [Silent(pair.image["uid"], pair.image["url"], layer, row["status"], row["reason"])]


def _take_in(measure: Measure, heap: _Heap, shard: int, position: int, pair: Pair) -> None:
    """Measure one sample, if both say something about it."""
    if pair.a.row["status"] != OK or pair.b.row["status"] != OK:
        return
    try:
        value = measure.add(pair)
    except ValueError as error:
        raise DatasetError(
            f"what {measure.a.layer} or {measure.b.layer} says of {pair.image['uid']} (shard {shard}) cannot be read: {error}; "
            "run humanverse verify"
        ) from error
    if value is not None and value > 0:
        heap.add(Worst(value, shard, position, pair.image["uid"], pair.image["url"]))

"""The bytes of pictures and maps of many samples: neighbours in a tar are one request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial

from humanverse.dataset import layout
from humanverse.dataset.generations import Gone, Removed
from humanverse.dataset.members import Place, between
from humanverse.dataset.reader import Dataset
from humanverse.loading.settings import kind_of
from humanverse.loading.tables import Facts
from schemas.layers import KINDS

PICTURE = ""
"""Stands for the picture where layers are named."""
GAP = 1 << 16
"""Bytes between two members that are read rather than asked for around."""
MOST = 1 << 23
"""Bytes of one request, unless a member alone is larger."""
FORGOTTEN, DAMAGED = "forgotten", "damaged"


@dataclass(frozen=True)
class Wanted:
    """A member to read: whose, and ``PICTURE`` or the layer (``<kind>/<name>``) of the map."""

    facts: Facts
    layer: str
    place: Place

    @property
    def name(self) -> str:
        suffix = KINDS[kind_of(self.layer)].suffix if self.layer else layout.IMAGE_SUFFIX
        return f"{self.facts.uid}.{suffix}"


@dataclass
class Contents:
    """What was read for a sample.

    Attributes:
        parts: ``PICTURE`` or a layer -> the bytes.
        trouble: why something is missing, if it is.
    """

    parts: dict[str, bytes] = field(default_factory=dict)
    trouble: str | None = None


def wanted(facts: Facts, members: Sequence[str]) -> Iterator[Wanted]:
    """The members of a sample: of ``PICTURE`` its picture, of dense layers its maps, where it has them."""
    for layer in members:
        if layer == PICTURE:
            yield Wanted(facts, PICTURE, Place(facts.image["jpg_offset"], facts.image["jpg_size"]))
            continue
        row = facts.layers[layer]
        if row["map_offset"] is not None:
            yield Wanted(facts, layer, Place(row["map_offset"], row["map_size"]))


def spans(members: Iterable[Wanted]) -> list[list[Wanted]]:
    """``members`` in groups that are one request each: of one tar, in its order, without long gaps."""
    ordered = sorted(members, key=lambda item: (item.facts.shard, item.layer, item.place.offset))
    found: list[list[Wanted]] = []
    for item in ordered:
        if found and _together(found[-1], item):
            found[-1].append(item)
        else:
            found.append([item])
    return found


def _together(group: Sequence[Wanted], item: Wanted) -> bool:
    first, last = group[0], group[-1]
    end = last.place.offset + last.place.size
    return (
        (first.facts.shard, first.layer) == (item.facts.shard, item.layer)
        and item.place.offset - end <= GAP
        and item.place.offset + item.place.size - first.place.offset <= MOST
    )


class Fetching:
    """Reads members.

    Args:
        dataset: open for reading.
        threads: that requests are made in.

    Attributes:
        moved: shards of which something was not where their tables said; whoever has the tables reads them anew.
    """

    def __init__(self, dataset: Dataset, threads: Executor) -> None:
        self._dataset, self._threads = dataset, threads
        self.moved: set[int] = set()

    def contents(self, samples: Sequence[Facts | None], parts: Sequence[str]) -> list[Contents]:
        """What can be had of each sample; None stands for one that is not there any more.

        Args:
            parts: ``PICTURE`` and dense layers.

        Raises:
            StorageError: if folder or bucket cannot be read.
        """
        members = {id(item): list(wanted(item, parts)) for item in samples if item is not None}
        asked = spans(member for own in members.values() for member in own)
        found: dict[int, Contents] = {key: Contents() for key in members}
        for group, read in zip(asked, self._threads.map(self._span, asked), strict=True):
            for member, data in zip(group, read, strict=True):
                contents = found[id(member.facts)]
                if isinstance(data, bytes):
                    contents.parts[member.layer] = data
                else:
                    contents.trouble = data
        return [Contents(trouble=FORGOTTEN) if item is None else found[id(item)] for item in samples]

    def _span(self, group: Sequence[Wanted]) -> list[bytes | str]:
        """What is in each member of a request; one by one where that fails. Text says why there is nothing."""
        shard, layer = group[0].facts.shard, group[0].layer
        path_of = partial(layout.layer_tar, layer) if layer else layout.images_tar
        path = path_of(shard, self._dataset.generation(shard))
        try:
            return [*between(self._dataset.store, path, [(item.name, item.place) for item in group])]
        except (Gone, FileNotFoundError):
            self.moved.add(shard)
            return [self._alone(item) for item in group]

    def _alone(self, item: Wanted) -> bytes | str:
        shard = item.facts.shard
        try:
            if not item.layer:
                return self._dataset.jpeg(shard, item.facts.image)
            found = self._dataset.map_png(item.layer, shard, {**item.facts.layers[item.layer], "uid": item.facts.uid})
            return found if found is not None else DAMAGED
        except Removed:
            return FORGOTTEN
        except Gone:
            return DAMAGED

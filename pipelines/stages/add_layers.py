"""The one stage of ``annotate``: further layers of a committed shard. Only files of those layers are written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from annotators.base import Annotator, Picture, Row
from annotators.run import parts
from humanverse.dataset.adding import Target
from humanverse.dataset.reader import Dataset
from humanverse.errors import UserError
from humanverse.memory import keep_freed
from pipelines.engine.attempts import Attempts
from pipelines.stages.ahead import Part, Reader
from pipelines.stages.base import Count, Done
from pipelines.stages.making import Makers, areas
from schemas.ledger import FORGOTTEN

DIED = "the worker died on this picture each time"
BEGUN_OFTEN = 2
"""From so many beginnings on that did not end, pictures of a part are looked at one by one, and one of them not any more. A
part of which that is known stays so for the run: its shard may be begun again for another."""
WRITTEN_OFTEN = 3
REASONS = 20
"""Reasons of a shard's rows that are told, of each layer."""
TRIES = 24
"""How often a shard is begun at the most: a picture on which workers die costs four of them, a further one of its part two."""


@dataclass(frozen=True)
class Lacking:
    """A shard, and the kinds of which it lacks the layer."""

    number: int
    kinds: tuple[str, ...]


@dataclass(frozen=True)
class Addition:
    """One layer to add.

    Attributes:
        layer: ``<kind>/<name>``.
        annotator: that makes it, not loaded.
    """

    layer: str
    annotator: Annotator


class AddLayers:
    """Makes layers of shards.

    Args:
        url: of the dataset.
        additions: by kind, each after those that it needs.
        reads: kind -> the layer that is read, of the kinds that are needed and not added.
        attempts: what was begun and did not end.
    """

    name = "annotate"

    def __init__(
        self, url: str, additions: Mapping[str, Addition], reads: Mapping[str, str], attempts: Attempts
    ) -> None:
        self.url, self.additions, self.reads, self.attempts = url, dict(additions), dict(reads), attempts
        self.settled = {kind: addition.annotator.deciding() for kind, addition in additions.items()}

    def setup(self, count: Count) -> None:
        keep_freed()
        self._count = count
        self._dataset = Dataset(self.url)
        self._reader = Reader()
        self._makers = Makers({kind: one.annotator for kind, one in self.additions.items()}, self.settled)
        self._makers.load()

    def process(self, item: Lacking) -> Done:
        shard = Target.open(self._dataset, item.number)
        made = self._tables(shard, item.kinds)
        statuses, reasons, written = {}, {}, 0
        self._check_writing(item.number)
        for kind in item.kinds:
            layer = self.additions[kind].layer
            written += shard.publish(layer, made[kind])
            statuses[layer] = dict(Counter(made[kind].column("status").to_pylist()))
            reasons[layer] = dict(Counter(made[kind].column("reason").drop_null().to_pylist()).most_common(REASONS))
        self.attempts.end((item.number, "write"))
        counts = {"bytes": written, "samples": shard.images.num_rows}
        return Done(item.number, counts=counts, layers=statuses, reasons=reasons)

    def _check_writing(self, number: int) -> None:
        if self.attempts.begin((number, "write")) >= WRITTEN_OFTEN:
            raise UserError("its worker died each time when its rows were written: give workers more memory")

    def _tables(self, shard: Target, kinds: Sequence[str]) -> dict[str, pa.Table]:
        """The shard's rows of ``kinds``."""
        layers = {kind: addition.layer for kind, addition in self.additions.items()} | self.reads
        there = {need: shard.needed(layers[need]) for need in sorted(self._makers.needs(kinds))}
        made: dict[str, list[pa.Table]] = {kind: [table] for kind, table in self._none(kinds).items()}
        cut = self._reader.parts(
            parts(areas(shard.images)),
            list(zip(*(shard.images.column(name).to_pylist() for name in ("uid", "caption")), strict=True)),
            shard.jpegs(),
            lambda at: self.attempts.begin((shard.number, at.start)) >= BEGUN_OFTEN,
            self._makers.look(kinds),
        )
        for part in cut:
            said = {kind: table.slice(part.at.start, len(part.at)).to_pylist() for kind, table in there.items()}
            for kind, table in self._part(shard, part, said, kinds).items():
                made[kind].append(table)
            if not part.careful:
                self.attempts.end((shard.number, part.at.start))
        return {kind: pa.concat_tables(tables) for kind, tables in made.items()}

    def _none(self, kinds: Sequence[str]) -> dict[str, pa.Table]:
        return self._makers.tables([], {}, kinds, self._done)

    def _done(self, rows: int) -> None:
        self._count(rows=rows)

    def _part(
        self, shard: Target, part: Part, said: Mapping[str, Sequence[Row]], kinds: Sequence[str]
    ) -> dict[str, pa.Table]:
        """The rows of one part, in its order."""
        pictures = part.pictures
        live = [index for index, picture in enumerate(pictures) if picture is not None]
        there = [picture for picture in pictures if picture is not None]
        said = {kind: [rows[index] for index in live] for kind, rows in said.items()}
        begun = [(shard.number, part.at[index]) for index in live]
        found = self._one_by_one(begun, there, said, kinds) if part.careful else self._together(there, said, kinds)
        if len(live) == len(pictures):
            return found
        uids = shard.images.column("uid").slice(part.at.start, len(part.at)).to_pylist()
        return {kind: self._with_forgotten(kind, table, live, uids) for kind, table in found.items()}

    def _together(
        self, pictures: Sequence[Picture], said: Mapping[str, Sequence[Row]], kinds: Sequence[str]
    ) -> dict[str, pa.Table]:
        return self._makers.tables(pictures, said, kinds, self._done)

    def _one_by_one(
        self,
        places: Sequence[tuple[int, int]],
        pictures: Sequence[Picture],
        said: Mapping[str, Sequence[Row]],
        kinds: Sequence[str],
    ) -> dict[str, pa.Table]:
        """As ``_together``, but each row is noted while it is being made, and given up if its worker died on it before.

        Args:
            places: (shard, position) of each picture.
        """
        made = {kind: [table] for kind, table in self._none(kinds).items()}
        for index, (place, picture) in enumerate(zip(places, pictures, strict=True)):
            known = {kind: [rows[index]] for kind, rows in said.items()}
            for kind in self._makers.order(kinds):
                table = self._guarded((*place, kind), kind, picture, known)
                known[kind] = table.to_pylist()
                made[kind].append(table)
        return {kind: pa.concat_tables(tables) for kind, tables in made.items()}

    def _guarded(
        self, work: tuple[int, int, str], kind: str, picture: Picture, known: Mapping[str, Sequence[Row]]
    ) -> pa.Table:
        if self.attempts.begin(work) >= BEGUN_OFTEN:
            self._done(1)
            return self._makers.failed(kind, picture.uid, DIED)
        table = self._makers.tables([picture], known, [kind], self._done)[kind]
        self.attempts.end(work)
        return table

    def _with_forgotten(self, kind: str, table: pa.Table, live: Sequence[int], uids: Sequence[str]) -> pa.Table:
        """``table``, the rows at ``live``, and between them a row for each sample that was not looked at."""
        gone = sorted({*range(len(uids))} - {*live})
        rows = [table, *(self._makers.unavailable(kind, uids[index], FORGOTTEN) for index in gone)]
        self._done(len(gone))
        places = [*live, *gone]
        return pa.concat_tables(rows).take(sorted(range(len(places)), key=places.__getitem__))

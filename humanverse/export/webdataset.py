"""WebDataset: one tar per shard, with picture, caption, rows and maps of each sample."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

from humanverse.dataset import tar
from humanverse.dataset.layout import shard_name
from humanverse.export import reading
from humanverse.export.base import PLACES, Exporter, Item, Plan, Tally, Totals, Written
from humanverse.export.plain import json_text
from humanverse.storage import Store
from schemas.layers import KINDS


class WebDataset(Exporter):
    """``000000.tar`` with ``<uid>.jpg``, ``<uid>.txt`` (the source's caption), ``<uid>.json`` and ``<uid>.<kind>.png``.

    The JSON has the images columns and, under ``layers``, each layer's row by kind. Of source rows of one shard with the same
    uid, the first is in the tar.
    """

    name = "webdataset"
    version = 1
    takes = None
    needs = ()
    options: ClassVar[frozenset[str]] = frozenset()
    folder = ""
    owned = re.compile(r"[0-9]{6,}\.tar")

    def __init__(self, plan: Plan, out: Store, scratch: Path) -> None:
        self._plan, self._out = plan, out

    def write(self, shard: int) -> Written:
        file = self._file(shard)
        tally = Tally(shard)
        named: set[str] = set()

        def members() -> Iterator[tuple[str, bytes]]:
            for item in reading.whole(self._plan, shard):
                if item is None:
                    tally.leave_out()
                    continue
                tally.add(item, file)
                if item.uid not in named:
                    named.add(item.uid)
                    yield from self._members(item)

        with self._out.writing(file) as scratch, scratch.open("wb") as tar_file:
            tar.write(tar_file, members())
        return tally.written

    def keep(self, shard: int) -> Written:
        return reading.kept(self._plan, shard, self._file(shard))

    def finish(self, shards: Sequence[int], totals: Totals) -> None:
        """The tars are all there is."""

    def _file(self, shard: int) -> str:
        return f"{shard_name(shard)}.tar"

    def _members(self, item: Item) -> Iterator[tuple[str, bytes]]:
        layers = {
            kind: {name: value for name, value in item.layers[kind].items() if name not in {*PLACES, "uid"}}
            for kind in self._plan.kinds
        }
        facts = {**reading.as_exported(self._plan, item), "layers": layers}
        yield f"{item.uid}.jpg", item.jpeg
        yield f"{item.uid}.txt", (item.columns["caption"] or "").encode()
        yield f"{item.uid}.json", json_text(facts).encode()
        for kind, png in item.maps.items():
            yield f"{item.uid}.{KINDS[kind].suffix}", png

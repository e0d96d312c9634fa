"""WebDataset: one tar per shard, with picture, caption, rows and maps of each sample."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from humanverse.dataset import tar
from humanverse.dataset.layout import shard_name
from humanverse.export import reading
from humanverse.export.base import PLACES, Exporter, Item, Plan, Totals, Written
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
    folder = ""
    owned = re.compile(r"[0-9]{6,}\.tar")

    def __init__(self, plan: Plan, out: Store, scratch: Path) -> None:
        self._plan, self._out = plan, out

    def write(self, shard: int) -> Written:
        file = self._file(shard)
        listed: list[Mapping[str, Any]] = []
        named: set[str] = set()
        lost = 0

        def members() -> Iterator[tuple[str, bytes]]:
            nonlocal lost
            for item in reading.whole(self._plan, shard):
                if item is None:
                    lost += 1
                    continue
                listed.append(item.listed(file))
                if item.uid not in named:
                    named.add(item.uid)
                    yield from self._members(item)

        with self._out.writing(file) as scratch, scratch.open("wb") as tar_file:
            tar.write(tar_file, members())
        return Written(shard, listed, lost)

    def keep(self, shard: int) -> Written:
        items = list(reading.said(self._plan, shard))
        known = [item.listed(self._file(shard)) for item in items if reading.has_known_faces(self._plan, item)]
        return Written(shard, known, len(items) - len(known))

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

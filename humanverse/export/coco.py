"""COCO-WholeBody: a folder of pictures and one JSON file, which is written piece by piece and never in memory."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import humanverse
from humanverse.dataset.generations import Removed
from humanverse.dataset.layout import shard_name
from humanverse.export import reading, state
from humanverse.export.base import Exporter, Item, Plan, Tally, Totals, Written
from humanverse.export.plain import json_text
from humanverse.export.wholebody import CATEGORY, Least, image_entry, people
from humanverse.storage import Store

ANNOTATIONS = "annotations/humanverse.json"
_SECTIONS = ("images", "annotations")


class Coco(Exporter):
    """``images/<uid>.jpg`` and ``annotations/humanverse.json``.

    A picture that is there already is not written again, unless faces are blurred. Of each shard the entries lie in two files
    of the scratch folder until ``finish`` joins them.
    """

    name = "coco"
    version = 2
    takes = frozenset({"person", "pose"})
    needs = ("person",)
    options = frozenset({"min_confidence", "min_score"})
    folder = "images"
    owned = re.compile(r"[0-9a-f]{32}\.jpg")

    def __init__(self, plan: Plan, out: Store, scratch: Path) -> None:
        self._plan, self._out, self._scratch = plan, out, scratch
        self._least = Least(plan.settings.min_score or 0.0, plan.settings.min_confidence or 0.0)

    def write(self, shard: int) -> Written:
        return self._entries(shard, {} if self._plan.settings.blur_faces else state.pictures(self._out, shard))

    def keep(self, shard: int) -> Written:
        return self._entries(shard, None)

    def _entries(self, shard: int, before: Mapping[str, str] | None) -> Written:
        """The shard's entries into the scratch folder, and its pictures into the export.

        Args:
            before: uid -> SHA-256 of the dataset's picture, of pictures that are there already; None if all are.
        """
        tally = Tally(shard)
        with self._piece("images", shard).open("wb") as images, self._piece("annotations", shard).open("wb") as persons:
            for item in reading.said(self._plan, shard):
                if not reading.has_known_faces(self._plan, item):
                    tally.leave_out()
                    continue
                wanted = before is not None and before.get(item.uid) != item.columns["jpg_sha256"]
                if wanted and not self._picture(item):
                    continue
                tally.add(item, self._file(item.uid))
                _append(images, image_entry(item.columns, f"{item.uid}.jpg"))
                for entry in people(item.columns, item.layers["person"], item.layers.get("pose"), self._least):
                    _append(persons, entry)
        return tally.written

    def _picture(self, item: Item) -> bool:
        """Write the picture of ``item``, unless it was removed from the dataset meanwhile."""
        try:
            jpeg = self._plan.dataset.jpeg(item.shard, item.columns)
        except Removed:
            return False
        made = reading.unrecognisable(self._plan, item, jpeg)
        assert made is not None, "its faces are known"
        self._out.write(self._file(item.uid), made.jpeg)
        return True

    def _file(self, uid: str) -> str:
        return f"{self.folder}/{uid}.jpg"

    def _piece(self, section: str, shard: int) -> Path:
        return self._scratch / f"{section}-{shard_name(shard)}"

    def finish(self, shards: Sequence[int], totals: Totals) -> None:
        head = {
            "info": {
                "description": f"exported from the dataset {self._plan.dataset.store.url.rpartition('/')[2]}",
                "version": f"humanverse {humanverse.__version__}",
            },
            "licenses": [],
            "categories": [CATEGORY],
        }
        with self._out.writing(ANNOTATIONS) as scratch, scratch.open("wb") as joined:
            joined.write(json.dumps(head, ensure_ascii=False).removesuffix("}").encode())
            for section in _SECTIONS:
                joined.write(f',\n"{section}": ['.encode())
                self._join(joined, section, shards)
                joined.write(b"]")
            joined.write(b"}\n")

    def _join(self, joined: BinaryIO, section: str, shards: Sequence[int]) -> None:
        first = True
        for shard in shards:
            with self._piece(section, shard).open("rb") as piece:
                start = piece.read(2)
                if start:
                    joined.write(start[1:] if first else start)
                    first = False
                    shutil.copyfileobj(piece, joined)


def _append(file: BinaryIO, entry: Mapping[str, Any]) -> None:
    file.write(b",\n" + json_text(entry).encode())

"""The stage that makes shards of synthetic people: pictures, what is true of them, a ledger in which all are kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from humanverse.codec.jpeg import encode_jpeg
from humanverse.codec.phash import phash
from humanverse.codec.prepare import Prepared, prepare
from humanverse.dataset.shard import Shard
from humanverse.sources.base import table_schema
from humanverse.synth.settings import SynthSettings
from pipelines.stages.base import Count
from pipelines.stages.outcome import Outcome, images_table, ledger_table
from schemas.layers import KINDS, OK
from schemas.ledger import Failure
from schemas.recipe import ImageSettings

if TYPE_CHECKING:
    from humanverse.synth.samples import Sample

TRUTH = "truth"
"""The name of every layer."""
EXTRA_FIELDS = [
    pa.field("synth_seed", pa.int64()),
    pa.field("synth_index", pa.int64()),
    pa.field("synth_people", pa.int16()),
    pa.field("synth_surroundings", pa.string()),
    pa.field("synth_framing", pa.string()),
    pa.field("synth_intrinsics", pa.list_(pa.float64(), 9)),
    pa.field("synth_camera", pa.list_(pa.float64(), 12)),
    pa.field("synth_bodies", pa.string()),
]
"""Columns of the images table: see docs/synth.md."""


@dataclass(frozen=True)
class ShardToMake:
    """Samples ``start`` to ``stop`` (exclusive)."""

    number: int
    start: int
    stop: int


class Render:
    """Makes shards.

    Args:
        seed: of the data set.
        settings: of its samples.
        quality: of the JPEGs.
    """

    name = "annotate"

    def __init__(self, seed: int, settings: SynthSettings, quality: int) -> None:
        self.seed, self.settings, self.quality = seed, settings, quality

    def setup(self, count: Count) -> None:
        from humanverse.synth import body

        self._count = count
        body.load()

    def process(self, item: ShardToMake) -> Shard:
        made = list(self._samples(item))
        table = pa.Table.from_pylist([row for row, _, _ in made], schema=table_schema(EXTRA_FIELDS))
        outcomes = [outcome for _, outcome, _ in made]
        shard = Shard(item.number, ledger_table(table, outcomes), images_table(table, outcomes, EXTRA_FIELDS))
        for kind in made[0][2]:
            shard.layers[f"{kind}/{TRUTH}"] = _layer(kind, [(one.uid, said[kind]) for _, one, said in made])
        return shard

    def _samples(self, item: ShardToMake) -> Iterator[tuple[dict[str, Any], Outcome, Any]]:
        """Each sample's row of the source, its outcome, and its rows of the layers by kind."""
        from humanverse.synth.captions import caption
        from humanverse.synth.rows import rows
        from humanverse.synth.samples import sample

        for index in range(item.start, item.stop):
            made = sample(self.seed, index, self.settings)
            text = caption(made)
            yield _source_row(made, text), self._outcome(made, index - item.start), rows(made, text)
            self._count(rows=1, kept=1)

    def _outcome(self, made: Sample, place: int) -> Outcome:
        jpeg = encode_jpeg(made.rgb, self.quality)
        prepared = prepare(jpeg, ImageSettings())
        if isinstance(prepared, Failure) or not isinstance(prepared, Prepared):
            raise ValueError(f"sample {made.index} cannot be stored: {prepared}")
        digest = hashlib.sha256(jpeg).hexdigest()
        height, width = made.rgb.shape[:2]
        return Outcome(place, sha256=digest, width=width, height=height, prepared=prepared, phash=phash(made.rgb))


def _layer(kind: str, rows: list[tuple[str | None, dict[str, Any]]]) -> pa.Table:
    schema = KINDS[kind].schema
    if KINDS[kind].dense:
        schema = schema.append(pa.field("map", pa.large_binary()))
    return pa.Table.from_pylist([{"uid": uid, "status": OK, **row} for uid, row in rows], schema=schema)


def _source_row(made: Sample, text: str) -> dict[str, Any]:
    bodies = [
        {
            "word": one.person.looks.word,
            "posture": one.person.posture.name,
            "gesture": one.person.posture.gesture,
            "yaw": round(one.person.yaw, 2),
            "shape": {name: round(value, 4) for name, value in one.person.looks.shape.items()},
        }
        for one in made.people
    ]
    return {
        "row": made.index,
        "url": f"synth:{made.seed}/{made.index}",
        "caption": text,
        "synth_seed": made.seed,
        "synth_index": made.index,
        "synth_people": len(made.people),
        "synth_surroundings": made.surroundings,
        "synth_framing": made.framing,
        "synth_intrinsics": made.camera.matrix.ravel().tolist(),
        "synth_camera": [*made.camera.axes.ravel().tolist(), *made.camera.place.tolist()],
        "synth_bodies": json.dumps(bodies),
    }

"""Faces are made unrecognisable before a shard is written, so that no dataset ever holds them as they were."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from humanverse.codec import decode_rgb, encode_jpeg
from humanverse.codec.blur import blur
from humanverse.codec.phash import phash
from humanverse.dataset.sample import rows
from humanverse.dataset.shard import Shard
from humanverse.errors import one_line
from humanverse.faces import faces
from pipelines.stages.base import Count, Stage
from schemas.images import JPEG
from schemas.ledger import Failure

READS = ("person", "pose")
REASON = "blur_failed"


@dataclass(frozen=True)
class _Blurred:
    """A picture without faces, and what the images table says of it."""

    jpeg: bytes
    phash: int

    @property
    def columns(self) -> dict[str, Any]:
        digest = hashlib.sha256(self.jpeg).hexdigest()
        return {JPEG.name: self.jpeg, "jpg_sha256": digest, "phash": self.phash, "reencoded": True}


class BlurFaces:
    """Another stage, and after it, in the same worker, the blurring of every picture that it gives.

    Layers have been made of the pictures as they were. A picture of which neither the person nor the pose layer says anything is
    rejected.

    Args:
        first: the stage that makes the last layers.
        quality: of the JPEGs, 1 to 100.
    """

    def __init__(self, first: Stage, quality: int) -> None:
        self.first, self.quality = first, quality
        self.name = first.name

    def setup(self, count: Count) -> None:
        self._count = count
        self.first.setup(count)

    def process(self, item: Any) -> Shard:
        shard: Shard = self.first.process(item)
        layers: dict[str, str] = {}
        for layer in shard.layers:
            layers.setdefault(layer.partition("/")[0], layer)
        tables = {kind: rows(shard.layers[layers[kind]]) for kind in READS}
        made = [
            self._one(jpeg.as_py(), dict(zip(tables, said, strict=True)))
            for jpeg, *said in zip(shard.images.column(JPEG.name), *tables.values(), strict=True)
        ]
        failures = {index: one for index, one in enumerate(made) if isinstance(one, Failure)}
        self._count(kept=-len(failures))
        blurred = {index: one for index, one in enumerate(made) if isinstance(one, _Blurred)}
        return _rejected(_replaced(shard, blurred), failures)

    def _one(self, jpeg: bytes, said: Mapping[str, Mapping[str, Any]]) -> _Blurred | Failure | None:
        """The picture without faces; None if there are none, so that it may stay as it is."""
        try:
            regions = faces(said["person"], said["pose"])
            if regions is None:
                reasons = "; ".join(f"{kind}: {row['reason']}" for kind, row in said.items())
                return Failure(REASON, f"where faces are is not known: {reasons}")
            if not regions:
                return None
            new = encode_jpeg(blur(decode_rgb(jpeg), regions), self.quality)
            return _Blurred(new, phash(decode_rgb(new)))
        except Exception as error:  # the decoder's own exceptions are of several classes
            return Failure(REASON, one_line(error))


def _replaced(shard: Shard, blurred: Mapping[int, _Blurred]) -> Shard:
    """``shard`` with other pictures at some places of its images table."""
    images = shard.images
    columns = {index: one.columns for index, one in blurred.items()}
    for name in (JPEG.name, "jpg_sha256", "phash", "reencoded"):
        at = images.schema.get_field_index(name)
        values = [
            columns[index][name] if index in columns else old.as_py() for index, old in enumerate(images.column(name))
        ]
        images = images.set_column(at, images.schema.field(at), pa.array(values, images.schema.field(at).type))
    return Shard(shard.number, shard.ledger, images, shard.layers)


def _rejected(shard: Shard, failures: Mapping[int, Failure]) -> Shard:
    """``shard`` without some samples; the ledger says why. ``failures`` are by place in the images table."""
    if not failures:
        return shard
    kept = np.ones(shard.images.num_rows, bool)
    kept[list(failures)] = False
    source_rows = shard.images.column("row").to_pylist()
    why = {source_rows[index]: failure for index, failure in failures.items()}
    layers = {name: table.filter(pa.array(kept)) for name, table in shard.layers.items()}
    return Shard(shard.number, _with_reasons(shard.ledger, why), shard.images.filter(pa.array(kept)), layers)


def _with_reasons(ledger: pa.Table, why: Mapping[int, Failure]) -> pa.Table:
    """``ledger``, in which the source rows in ``why`` have ended otherwise."""
    source_rows = ledger.column("row").to_pylist()
    for name in ("status", "reason", "detail"):
        at = ledger.schema.get_field_index(name)
        values = [
            (getattr(why[row], name) or None) if row in why else old
            for row, old in zip(source_rows, ledger.column(name).to_pylist(), strict=True)
        ]
        ledger = ledger.set_column(at, ledger.schema.field(at), pa.array(values, ledger.schema.field(at).type))
    return ledger

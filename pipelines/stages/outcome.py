"""What has become of a source row in the gate, and the tables that the outcomes of a shard make."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from humanverse.codec import Prepared
from schemas import images, ledger
from schemas.ledger import Failure

UID_DIGITS = 32


@dataclass
class Outcome:
    """What has become of one source row so far.

    Attributes:
        index: position in the shard.
        as_downloaded: whether the bytes are certainly those that were downloaded.
        drifted: whether they are not those that the source's hash is of; None if that cannot be known.
        said: by kind, the gate layers' row of the picture.
        phash: of the picture as it would be stored, once it was judged.
        caption: the source's, once it is judged.
    """

    index: int
    failure: Failure | None = None
    sha256: str | None = None
    width: int | None = None
    height: int | None = None
    http_status: int | None = None
    attempts: int = 0
    ms: int = 0
    as_downloaded: bool = True
    drifted: bool | None = None
    prepared: Prepared | None = None
    said: dict[str, Any] = field(default_factory=dict)
    phash: int | None = None
    caption: str | None = None

    @property
    def uid(self) -> str | None:
        return self.sha256 and self.sha256[:UID_DIGITS]

    def drop(self, failure: Failure) -> None:
        self.failure, self.prepared, self.said = failure, None, {}


def ledger_table(table: pa.Table, outcomes: list[Outcome]) -> pa.Table:
    columns = {
        "row": table.column("row"),
        "url": table.column("url"),
        "status": [outcome.failure.status if outcome.failure else ledger.KEPT for outcome in outcomes],
        "reason": [outcome.failure and outcome.failure.reason for outcome in outcomes],
        "detail": [(outcome.failure and outcome.failure.detail) or None for outcome in outcomes],
        **{
            name: [getattr(outcome, name) for outcome in outcomes]
            for name in ("uid", "width", "height", "http_status", "attempts", "ms", "drifted")
        },
    }
    return pa.table(columns, schema=ledger.SCHEMA)


def images_table(table: pa.Table, kept: list[Outcome], extra_fields: list[pa.Field]) -> pa.Table:
    prepared = [outcome.prepared for outcome in kept if outcome.prepared]
    source = table.take(pa.array([outcome.index for outcome in kept], pa.int64()))
    columns: dict[str, Any] = {name: source.column(name) for name in ("row", "url", "caption")}
    columns |= {field.name: source.column(field.name) for field in extra_fields}
    columns |= {
        name: [getattr(picture, name) for picture in prepared]
        for name in images.SCHEMA.names
        if name in Prepared.__dataclass_fields__
    }
    columns |= {
        "uid": [outcome.uid for outcome in kept],
        "sha256": [outcome.sha256 for outcome in kept],
        "drifted": [outcome.drifted for outcome in kept],
        "phash": [outcome.phash for outcome in kept],
        "jpg_sha256": [hashlib.sha256(picture.jpeg).hexdigest() for picture in prepared],
        "jpg_offset": [0] * len(kept),
        "jpg_size": [0] * len(kept),
        images.JPEG.name: [picture.jpeg for picture in prepared],
    }
    schema = images.with_source_columns(extra_fields).append(images.JPEG)
    return pa.table(
        [pa.array(columns[f.name], f.type) if isinstance(columns[f.name], list) else columns[f.name] for f in schema],
        schema=schema,
    )

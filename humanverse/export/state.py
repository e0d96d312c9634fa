"""What an export says of itself: ``humanverse-export.json``, and ``humanverse-export.parquet`` with one row per sample."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, Field, ValidationError

import humanverse
from humanverse.dataset.cards import Strict
from humanverse.dataset.create import json_bytes
from humanverse.errors import UserError, one_line
from humanverse.export.base import LISTING
from humanverse.storage import Store

FORMAT = 2
STATE = "humanverse-export.json"
LISTED = "humanverse-export.parquet"


class ShardState(Strict):
    """What the export has of one shard.

    Attributes:
        generation: of the dataset's shard.
        samples: that are exported.
        left_out: samples that are not, since nothing is known of their faces.
        digest: SHA-256 over the samples in order and all that decides what is written of them.
    """

    generation: int
    samples: int
    left_out: int
    digest: str


class State(BaseModel):
    """``humanverse-export.json``.

    Attributes:
        dataset: where it was exported from; the dataset may lie elsewhere by now.
        dataset_id: the dataset's ``id``, by which it is known.
        export: the format's name.
        view: whose samples these are; None for all.
        layers: kind -> ``<kind>/<name>``.
        settings: as they were asked for.
        complete: False while it is written: files may then be missing, or be too many.
        shards: number of the dataset's shard (six digits) -> what the export has of it.
    """

    model_config = ConfigDict(extra="forbid")

    format: int = FORMAT
    dataset: str
    dataset_id: str
    export: str
    view: str | None
    layers: dict[str, str]
    settings: dict[str, Any]
    complete: bool
    shards: dict[str, ShardState] = Field(default={})
    code: str = f"humanverse {humanverse.__version__}"
    time: str = Field(default_factory=lambda: now())


def now() -> str:
    """The time in UTC, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def read(out: Store) -> State | None:
    """The state of the export at ``out``; None if there is none.

    Raises:
        UserError: if it is damaged, or of another version.
    """
    try:
        value = json.loads(out.read(STATE))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise UserError(f"{out.url}/{STATE} is damaged: export to another place, or delete it") from error
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise UserError(f"{out.url}/{STATE} is of another version: export to another place")
    try:
        return State.model_validate(value)
    except ValidationError as error:
        raise UserError(f"{out.url}/{STATE} is damaged: export to another place, or delete it") from error


def write(out: Store, state: State) -> None:
    """Replace the state at once."""
    out.write(STATE, json_bytes(state.model_dump(mode="json")))


class Listing:
    """A listing that is being written: rows of ``LISTING``, shard by shard."""

    def __init__(self, writer: pq.ParquetWriter) -> None:
        self._writer = writer

    def add(self, table: pa.Table) -> None:
        """The rows of one shard."""
        if table.num_rows:
            self._writer.write_table(table)


@contextmanager
def listing(out: Store) -> Iterator[Listing]:
    """A new listing, which takes the place of the old one when the block ends well."""
    with (
        out.writing(LISTED) as scratch,
        pq.ParquetWriter(scratch, LISTING, compression="zstd", write_page_checksum=True) as writer,
    ):
        yield Listing(writer)


def pictures(out: Store, shard: int) -> dict[str, str]:
    """uid -> SHA-256 of the dataset's picture, of what the last complete run exported of a shard."""
    try:
        with out.reading(LISTED) as file:
            table = pq.read_table(file, columns=["uid", "jpg_sha256"], filters=pc.field("shard") == shard)
    except (FileNotFoundError, pa.ArrowException, OSError):
        return {}
    return dict(zip(*(table.column(name).to_pylist() for name in ("uid", "jpg_sha256")), strict=True))


def listed_uids(out: Store, wanted: set[str]) -> set[str]:
    """Those of ``wanted`` that the listing at ``out`` has; memory is bounded by one shard.

    Raises:
        ValueError: if there is no listing, or it is damaged.
    """
    found: set[str] = set()
    try:
        with out.reading(LISTED) as file, pq.ParquetFile(file, page_checksum_verification=True) as listed:
            for group in range(listed.num_row_groups):
                found |= wanted & set(listed.read_row_group(group, ["uid"]).column("uid").to_pylist())
    except (OSError, pa.ArrowException) as error:
        raise ValueError(one_line(error)) from error
    return found

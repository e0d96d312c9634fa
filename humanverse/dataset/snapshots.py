"""Snapshots: what a run read, pinned so that it can be told later what has changed since. They hold no uid."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ValidationError

from humanverse.dataset import cards, layout
from humanverse.dataset.cards import Count, Sha256, Strict
from humanverse.dataset.create import json_bytes, read_json
from humanverse.dataset.view_cards import ViewCard
from humanverse.errors import DatasetError, UserError, one_line
from humanverse.storage import Store
from schemas.snapshots import SCHEMA

FORMAT = 1
CHUNK = 1 << 20


class SnapshotCard(Strict):
    """``snapshots/<n>.json``.

    Attributes:
        name: in the words of whoever took it.
        view: the view that was read, as it was; None for all samples.
        filters: ``<name>/<generation>`` of its filters -> SHA-256 of ``filter.json``.
        layers: ``<kind>/<name>`` -> fingerprint.
        shards: [first, last] of each run of committed shards, ascending.
        generations: shard number (in digits) -> generation, where it is not 0.
        samples: that were served.
        tombstones: that there were, of uids and of URLs.
        tars: whether tars have a SHA-256.
        files: rows of ``snapshots/<n>.parquet``.
        files_sha256: of that file.
        digest: SHA-256 of the shards' ``uids_sha256``, 32 bytes each, in order.
    """

    format: int = FORMAT
    name: str = ""
    view: ViewCard | None = None
    filters: dict[str, Sha256] = {}
    layers: dict[str, str]
    shards: tuple[tuple[Count, Count], ...]
    generations: dict[str, Count] = {}
    samples: Count
    tombstones: Count
    tars: bool = False
    files: Count
    files_sha256: Sha256
    digest: Sha256
    code: str = ""
    time: str = ""

    def numbers(self) -> Iterator[int]:
        """The shards, ascending."""
        return (number for first, last in self.shards for number in range(first, last + 1))


def snapshot_numbers(store: Store) -> list[int]:
    """Numbers of the snapshots, ascending."""
    return cards.numbers(store, layout.SNAPSHOTS)


def read_snapshot(store: Store, number: int) -> SnapshotCard:
    """One snapshot.

    Raises:
        DatasetError: if there is none of that number, or it is damaged.
    """
    path = layout.snapshot_card(number)
    value = read_json(store, path)
    if value is None:
        known = ", ".join(map(str, snapshot_numbers(store)))
        raise DatasetError(
            f"no snapshot {number} in {store.url}: " + (f"there are {known}" if known else "there is none")
        )
    if value.get("format") != FORMAT:
        raise DatasetError(f"{store.url}/{path} has format {value.get('format')}, this version reads {FORMAT}")
    try:
        return SnapshotCard.model_validate(value)
    except ValidationError as error:
        why = cards.why_damaged(error)
        raise DatasetError(f"{store.url}/{path} is damaged ({why}): take another snapshot") from error


def read_files(store: Store, number: int, card: SnapshotCard) -> Iterator[tuple[int | None, list[dict[str, Any]]]]:
    """The pinned files: (shard, rows of ``schemas.snapshots``), first those of no shard (None), then shard after shard.

    Raises:
        DatasetError: if the file is missing or damaged.
    """
    path = layout.snapshot_files(number)
    try:
        if digest(store, path)[1] != card.files_sha256:
            raise DatasetError(f"{store.url}/{path} is damaged (it has other bytes than were written): take another")
        with store.reading(path) as file:
            batches = pq.ParquetFile(file).iter_batches(use_threads=False)
            yield from _by_shard(row for batch in batches for row in batch.to_pylist())
    except FileNotFoundError as error:
        raise DatasetError(f"{store.url}/{path} is missing: take another snapshot") from error
    except (pa.ArrowException, KeyError) as error:
        raise DatasetError(f"{store.url}/{path} is damaged ({one_line(error)}): take another snapshot") from error


def _by_shard(rows: Iterable[dict[str, Any]]) -> Iterator[tuple[int | None, list[dict[str, Any]]]]:
    held: list[dict[str, Any]] = []
    for row in rows:
        if held and row["shard"] != held[0]["shard"]:
            yield held[0]["shard"], held
            held = []
        held.append(row)
    if held:
        yield held[0]["shard"], held


def digest(store: Store, path: str) -> tuple[int, str]:
    """Size and SHA-256 of a file; a part of it is in memory at a time.

    Raises:
        FileNotFoundError: if it is not there.
    """
    found, size = hashlib.sha256(), 0
    with store.reading(path) as file:
        while chunk := file.read(CHUNK):
            found.update(chunk)
            size += len(chunk)
    return size, found.hexdigest()


def write_files(store: Store, number: int, groups: Iterable[list[dict[str, Any]]]) -> tuple[int, str]:
    """Write ``snapshots/<n>.parquet``, group after group.

    Returns:
        How many rows it has, and its SHA-256.
    """
    count = 0
    with store.writing(layout.snapshot_files(number)) as scratch:
        with pq.ParquetWriter(scratch, SCHEMA, compression="zstd", write_page_checksum=True) as writer:
            held: list[dict[str, Any]] = []
            for group in groups:
                held += group
                if len(held) >= 10_000:
                    writer.write_table(pa.Table.from_pylist(held, schema=SCHEMA))
                    count, held = count + len(held), []
            writer.write_table(pa.Table.from_pylist(held, schema=SCHEMA))
            count += len(held)
        with scratch.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    return count, digest


def write_card(store: Store, number: int, card: SnapshotCard) -> None:
    """Make it a snapshot.

    Raises:
        UserError: if another run has taken one of that number meanwhile.
    """
    if store.exists(layout.snapshot_card(number)):
        raise UserError(f"{store.url}: another snapshot was taken meanwhile: run the same command again")
    store.write(layout.snapshot_card(number), json_bytes(card.model_dump(mode="json")))

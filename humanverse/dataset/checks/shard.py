"""One committed shard: its ledger, its samples, its pictures. Each file is read once; of a tar one member at a time."""

from __future__ import annotations

import hashlib
import tarfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from humanverse.codec.jpeg_strip import strip
from humanverse.dataset import layout, tar
from humanverse.dataset.checks.finding import Finding, Unreadable, first_of, further, problem, read_table
from humanverse.dataset.checks.held import Held
from humanverse.dataset.retries import ROWS
from humanverse.errors import one_line
from humanverse.plurals import plural
from humanverse.storage import Store
from schemas import images, ledger

SILENT = tuple(name for name in ledger.SCHEMA.names if name not in ("row", "status", "reason"))
"""Columns of a ledger that say nothing of a row that is forgotten."""


@dataclass(frozen=True)
class Stored:
    """One member of the pictures' tar, as it was found.

    Attributes:
        member: name and place.
        sha256: of its bytes, in hex.
        size: (width, height) in pixels; None if it is not a JPEG that is understood.
        plain: whether the JPEG holds nothing but the picture.
    """

    member: tar.Member
    sha256: str
    size: tuple[int, int] | None
    plain: bool

    @property
    def uid(self) -> str:
        return self.member.name.partition(".")[0]


@dataclass
class Shard:
    """What could be read of a shard; None for what could not.

    Attributes:
        generation: of its files.
        uids: of the samples, in the order on which most of ledger, images table and tar agree.
        findings: problems so far.
    """

    number: int
    generation: int = 0
    ledger: pa.Table | None = None
    images: pa.Table | None = None
    stored: list[Stored] | None = None
    uids: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    @property
    def ledger_path(self) -> str:
        return layout.ledger(self.number, self.generation)

    @property
    def images_path(self) -> str:
        return layout.images_table(self.number, self.generation)

    @property
    def tar_path(self) -> str:
        return layout.images_tar(self.number, self.generation)


def members(store: Store, path: str) -> Iterator[tuple[tar.Member, bytes]]:
    """``tar.read`` of a file of the dataset.

    Raises:
        Unreadable: if it is missing or damaged.
    """
    try:
        with store.reading(path) as file:
            yield from tar.read(file)
    except FileNotFoundError as error:
        raise Unreadable(path, "is missing") from error
    except (tarfile.TarError, ValueError) as error:
        raise Unreadable(path, f"is damaged: {one_line(error)}") from error


def _stored(member: tar.Member, data: bytes) -> Stored:
    try:
        parsed = strip(data)
    except ValueError:
        parsed = None
    size = (parsed.width, parsed.height) if parsed else None
    return Stored(member, hashlib.sha256(data).hexdigest(), size, parsed is not None and parsed.jpeg == data)


def read(held: Held, number: int) -> Shard:
    """Read the shard and check it, its layers left out."""
    shard = Shard(number, held.generation(number))
    try:
        shard.ledger = read_table(held.store, shard.ledger_path, ledger.SCHEMA)
    except Unreadable as error:
        shard.findings.append(error.finding)
    try:
        shard.images = read_table(held.store, shard.images_path, images.SCHEMA, more=True)
    except Unreadable as error:
        shard.findings.append(error.finding)
    try:
        shard.stored = [_stored(member, data) for member, data in members(held.store, shard.tar_path)]
    except Unreadable as error:
        shard.findings.append(error.finding)
    shard.findings += [*_order(shard), *_ledger(held, shard), *_images(held, shard), *_pictures(shard)]
    return shard


def _kept(table: pa.Table) -> list[str]:
    return table.filter(pc.equal(table.column("status"), ledger.KEPT)).column("uid").to_pylist()


def _order(shard: Shard) -> Iterator[Finding]:
    """Ledger, images table and tar have the same samples in the same order; sets ``uids``."""
    said: dict[str, list[str]] = {}
    if shard.ledger is not None:
        said[shard.ledger_path] = _kept(shard.ledger)
    if shard.images is not None:
        said[shard.images_path] = shard.images.column("uid").to_pylist()
    if shard.stored is not None:
        said[shard.tar_path] = [item.uid for item in shard.stored]
    votes = Counter(tuple(uids) for uids in said.values())
    if not votes:
        return
    shard.uids = list(votes.most_common(1)[0][0])
    for path, uids in said.items():
        if uids != shard.uids:
            yield problem(path, "does not have the samples of the shard's other files, in their order")


def _ledger(held: Held, shard: Shard) -> Iterator[Finding]:
    """Invariant 1: the shard's source rows, each once, each with one known status and reason."""
    if shard.ledger is None:
        return
    path = shard.ledger_path
    rows = shard.ledger.column("row").to_pylist()
    if held.extent is not None:
        expected = held.extent.rows_of(shard.number)
        if shard.number >= held.extent.shards:
            yield from _supplementary(held, shard, rows)
        elif rows != list(expected):
            yield problem(path, f"its rows are not the {plural(len(expected), 'source row')} of the shard, each once")
    said = zip(*(shard.ledger.column(name).to_pylist() for name in ("status", "reason", "uid")), strict=True)
    wrong = [(row, found) for row, item in zip(rows, said, strict=True) if (found := _status(*item))]
    if wrong:
        yield problem(path, f"row {wrong[0][0]} {wrong[0][1]}{further(len(wrong))}")
    forgotten = shard.ledger.filter(pc.equal(shard.ledger.column("reason"), ledger.FORGOTTEN))
    more = [name for name in SILENT if forgotten.column(name).null_count < forgotten.num_rows]
    if more:
        yield problem(path, f"has forgotten rows of which it still says {more[0]}")


def _supplementary(held: Held, shard: Shard, rows: list[int]) -> Iterator[Finding]:
    """A shard beyond those of the source has the rows that a retry or a merge planned; plans are checked elsewhere."""
    number, path = shard.number, shard.ledger_path
    if merged := held.merges.merged.shard(number):
        if rows != list(range(merged.first, merged.first + merged.rows)):
            yield problem(
                path, f"its rows are not the {plural(merged.rows, 'row that was', 'rows that were')} planned, each once"
            )
        return
    if number not in held.retries.shards:
        if held.retries.whole and held.merges.whole:
            yield problem(path, "the source has no such shard, and no retry or merge planned it")
        return
    try:
        planned = read_table(held.store, layout.retry_rows(number), ROWS).column("row").to_pylist()
    except Unreadable:
        return
    if rows != planned:
        yield problem(
            path, f"its rows are not the {plural(len(planned), 'row that was', 'rows that were')} planned, each once"
        )


def _status(status: str, reason: str | None, uid: str | None) -> str | None:
    """What is wrong with a ledger row's end, if anything."""
    if status not in ledger.STATUSES:
        return f"has the unknown status {status}"
    if status == ledger.KEPT:
        return "is kept with a reason" if reason is not None else None if uid else "is kept without a uid"
    if reason not in ledger.REASONS:
        return f"is {status} with the unknown reason {reason}"
    return None if ledger.Failure(reason).status == status else f"is {status}, but {reason} is no reason for that"


def _images(held: Held, shard: Shard) -> Iterator[Finding]:
    """The images table agrees with the ledger's rows and with itself."""
    table = shard.images
    if table is None or table.column("uid").to_pylist() != shard.uids:
        return
    path = shard.images_path
    if held.distinct and len(set(shard.uids)) != len(shard.uids):
        yield problem(path, "has a uid twice, although the recipe drops duplicates")
    if shard.ledger is not None and _kept(shard.ledger) == shard.uids:
        kept = shard.ledger.filter(pc.equal(shard.ledger.column("status"), ledger.KEPT))
        if kept.column("row").to_pylist() != table.column("row").to_pylist():
            yield problem(path, "its samples are not of the source rows that the ledger kept")
    digests = table.column("sha256").to_pylist()
    strange = [i for i, (uid, digest) in enumerate(zip(shard.uids, digests, strict=True)) if uid != digest[:32]]
    if strange:
        yield problem(path, first_of(shard.uids, np.array(strange), "is not of its sha256"))
    box = np.array(table.column("original_box").to_pylist(), dtype=float).reshape(-1, 4)
    bad = np.flatnonzero(~(np.isfinite(box).all(axis=1) & (box[:, :2] < box[:, 2:]).all(axis=1)))
    if len(bad):
        yield problem(path, first_of(shard.uids, bad, "has an original_box without area"))


def _pictures(shard: Shard) -> Iterator[Finding]:
    """Every picture is where its row says, with the bytes that were written, and without metadata."""
    table, stored = shard.images, shard.stored
    if table is None or stored is None or [item.uid for item in stored] != table.column("uid").to_pylist():
        return
    of_table, of_tar = shard.images_path, shard.tar_path
    names = ("uid", "jpg_offset", "jpg_size", "jpg_sha256", "width", "height")
    found: dict[tuple[str, str], list[int]] = {}
    for index, (row, item) in enumerate(zip(table.select(names).to_pylist(), stored, strict=True)):
        place = tar.Member(f"{row['uid']}.{layout.IMAGE_SUFFIX}", row["jpg_offset"], row["jpg_size"])
        if item.member != place:
            found.setdefault((of_table, "is at another place in the tar than its row says"), []).append(index)
        elif item.sha256 != row["jpg_sha256"]:
            found.setdefault((of_tar, "has other bytes than were written"), []).append(index)
        elif not item.plain:
            found.setdefault((of_tar, "is not a plain JPEG without metadata"), []).append(index)
        elif item.size != (row["width"], row["height"]):
            found.setdefault((of_table, "has another width or height than its JPEG"), []).append(index)
    for (path, message), rows in found.items():
        yield problem(path, first_of(shard.uids, np.array(rows), message))

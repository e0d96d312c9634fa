"""``dedup``: find pictures that are alike in all shards, and write a view that has one of each group."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from humanverse.blocklists.keys import UID_PREFIX
from humanverse.codec.phash import has_detail
from humanverse.dataset import views
from humanverse.dataset.reader import Dataset
from humanverse.dataset.status import over_shards
from humanverse.dataset.view_cards import Counts as Counted
from humanverse.dataset.view_cards import Step
from humanverse.errors import DatasetError, UserError
from humanverse.plurals import plural
from humanverse.similar import samples
from humanverse.similar.choice import Choice, choose
from humanverse.similar.search import MAX_DISTANCE, Indices
from pipelines.progress import Counts, Display, Local
from schemas.filters import SCHEMA

COMMAND = "dedup"
DISTANCE = 4
SHOWN = 10
"""Largest groups that are told of."""
_PASSES = 3
_PHASES = ("reading", "searching", "writing")


@dataclass(frozen=True)
class Group:
    """A sample that stays, and how many others are left out for it."""

    uid: str
    url: str | None
    shard: int
    row: int
    left_out: int


@dataclass
class Result:
    """What ``dedup`` found.

    Attributes:
        view: its name.
        filter: ``<name>/<generation>``, what the view leaves out.
        shards: that were looked at.
        samples: in them.
        groups: of samples that are alike, two or more.
        left_out: samples that the view does not have.
        equal_hashes: those of them whose hash is that of the sample that stays.
        largest: the groups with the most samples.
        block_lists: files that were written -> entries.
        seconds: wall time.
    """

    view: str
    filter: str
    distance: int
    keep: str
    shards: int
    samples: int
    groups: int
    left_out: int
    equal_hashes: int
    largest: list[Group] = field(default_factory=list)
    block_lists: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "seconds": round(self.seconds, 3)}


@dataclass(frozen=True)
class _Stay:
    """The samples that stay and have others alike to them, ascending by ``rows``."""

    rows: Indices
    shards: Indices
    uids: np.ndarray


def dedup(
    url: str,
    distance: int = DISTANCE,
    keep: str = "first",
    view: str = COMMAND,
    block_lists: Path | None = None,
    block_from: int = 10,
) -> Result:
    """Find near and exact duplicates in all committed shards of ``url``, and write the view that leaves them out.

    Args:
        distance: bits in which the perceptual hashes of two pictures that are alike may differ.
        keep: which picture of a group stays: ``first`` (lowest source row) or ``largest`` (most original pixels).
        view: its name; one that dedup made before is replaced.
        block_lists: a folder for the hashes of what comes often, as block-lists for other builds.
        block_from: samples that make "often".

    Raises:
        UserError: for whatever the user can mend.
    """
    started = time.monotonic()
    _check(distance, keep, block_from)
    dataset = Dataset(url)
    _check_view(dataset, view)
    shards = dataset.shards()
    if not shards:
        raise UserError(f"{url} has no committed shard: build it first")
    if block_lists is not None:
        _make_folder(block_lists)
    count = Local()
    with Display(COMMAND, _PASSES * len(shards), 0, count.counts, math.inf, unit="steps", note=_note):
        found = samples.read(dataset, shards, keep, lambda number: count(rows=1, samples=number))
        count(phase=1)
        choice = choose(found.keys, distance)
        count(phase=1)
        stay = _stay(dataset, shards, np.unique(found.rows[choice.of]), count)
        result = _summary(dataset, found, choice, stay, len(shards))
        result.view, result.distance, result.keep = view, distance, keep
        if block_lists is not None:
            result.block_lists = _write_block_lists(block_lists, url, found, choice, stay, block_from)
        made_by = {"command": COMMAND, "distance": distance, "keep": keep}
        counts = {name: getattr(result, name) for name in ("samples", "groups", "left_out", "equal_hashes")}
        tables = _tables(dataset, shards, found.rows, choice, stay, count)
        result.filter = views.write_filter(dataset.store, view, tables, shards, made_by, counts)
        views.write_view(dataset.store, view, [result.filter], COMMAND, counts=_as_of_a_view(result))
        views.remove_unused(dataset.store, view)
    result.seconds = time.monotonic() - started
    return result


def _check(distance: int, keep: str, block_from: int) -> None:
    if not 0 <= distance <= MAX_DISTANCE:
        raise UserError(f"a distance of {distance} bits: give one from 0 to {MAX_DISTANCE}")
    if keep not in samples.PREFERENCES:
        raise UserError(f"cannot keep {keep!r}: choose from {', '.join(samples.PREFERENCES)}")
    if block_from < 2:
        raise UserError(f"block lists of what comes {block_from} times: give 2 or more")


def _check_view(dataset: Dataset, name: str) -> None:
    """A view that something else made is not replaced; a damaged one is."""
    if views.check_name(name) not in dataset.views():
        return
    try:
        there = dataset.view(name)
    except DatasetError:
        return
    if there.card.made_by != COMMAND:
        raise UserError(f"the view {name} was not made by {COMMAND}: give another name with --view")


def _as_of_a_view(result: Result) -> Counted:
    """The counts that the view keeps."""
    left = result.samples - result.left_out
    step = Step(step=result.filter, before=result.samples, left_out=result.left_out, said_nothing=0, after=left)
    return Counted(shards=result.shards, samples=result.samples, steps=(step,))


def _note(counts: Counts, rate: float) -> str:
    return f"{plural(counts.get('samples', 0), 'sample')}, {_PHASES[counts.get('phase', 0)]}"


def _places(ascending: Indices, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which of ``wanted`` are in ``ascending`` (positions), and where there."""
    at = np.minimum(np.searchsorted(ascending, wanted), max(len(ascending) - 1, 0))
    here = np.flatnonzero(ascending[at] == wanted) if len(ascending) else np.zeros(0, np.int64)
    return here, at[here]


def _stay(dataset: Dataset, shards: Sequence[int], rows: Indices, count: Local) -> _Stay:
    """Where the samples of ``rows`` are, and their uids."""
    stay = _Stay(rows, np.zeros(len(rows), np.int64), np.zeros(len(rows), "S32"))

    def one(shard: int) -> None:
        table = dataset.images(shard, ["row"])
        here, at = _places(rows, table.column("row").to_numpy())
        stay.shards[at] = shard
        stay.uids[at] = table.column("uid").take(pa.array(here)).to_pylist()

    for _ in over_shards(one, shards):
        count(rows=1)
    return stay


def _tables(
    dataset: Dataset, shards: Sequence[int], rows: Indices, choice: Choice, stay: _Stay, count: Local
) -> Iterator[tuple[int, pa.Table]]:
    """What is left out of each shard, ``schemas.filters.SCHEMA``; shards of which nothing is are passed over."""
    order = np.argsort(rows[choice.left_out])
    gone = rows[choice.left_out][order]
    of, distance = np.searchsorted(stay.rows, rows[choice.of[order]]), choice.distance[order]

    def one(shard: int) -> pa.Table:
        table = dataset.images(shard, ["row"])
        here, at = _places(gone, table.column("row").to_numpy())
        left = table.take(pa.array(here))
        of_uids = [uid.decode() for uid in stay.uids[of[at]]]
        columns = [
            left.column("row"),
            left.column("uid"),
            stay.shards[of[at]],
            stay.rows[of[at]],
            of_uids,
            distance[at],
        ]
        return pa.table(columns, schema=SCHEMA).sort_by("row")

    for shard, table in zip(shards, over_shards(one, shards), strict=True):
        count(rows=1)
        if table.num_rows:
            yield shard, table


def _summary(dataset: Dataset, found: samples.Samples, choice: Choice, stay: _Stay, shards: int) -> Result:
    heads, sizes = choice.sizes()
    largest = [
        _group(dataset, stay, int(np.searchsorted(stay.rows, found.rows[head])), int(size))
        for head, size in zip(heads[:SHOWN], sizes[:SHOWN], strict=True)
    ]
    equal = int((choice.distance == 0).sum())
    return Result("", "", 0, "", shards, len(found.rows), len(heads), len(choice.left_out), equal, largest)


def _group(dataset: Dataset, stay: _Stay, at: int, size: int) -> Group:
    shard, row = int(stay.shards[at]), int(stay.rows[at])
    table = dataset.images(shard, ["row", "url"])
    (url,) = table.filter(pc.equal(table.column("row"), row)).column("url").to_pylist()
    return Group(stay.uids[at].decode(), url, shard, row, size)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        why = "there is a file of that name" if folder.exists() else error.strerror or error
        raise UserError(f"--block-lists {folder}: {why}: give a folder") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UserError(f"--block-lists {folder}: it cannot be written to: give another folder")


def _write_block_lists(
    folder: Path, url: str, found: samples.Samples, choice: Choice, stay: _Stay, least: int
) -> dict[str, int]:
    """``phashes.txt`` of what comes often, and ``hashes.txt`` of those of them whose perceptual hash says nothing."""
    heads, sizes = choice.sizes()
    often = heads[sizes + 1 >= least]
    detailed = has_detail(found.keys[often])
    at = np.searchsorted(stay.rows, found.rows[often[~detailed]])
    entries = {
        "phashes.txt": [f"{key:016x}" for key in found.keys[often[detailed]].tolist()],
        "hashes.txt": [f"{UID_PREFIX}{uid.decode()}" for uid in stay.uids[at]],
    }
    try:
        for name, lines in entries.items():
            head = f"# pictures that {url} has {least} times or more, the most frequent first"
            (folder / name).write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot write the block-lists to {folder}: {error.strerror or error}") from error
    return {str(folder / name): len(lines) for name, lines in entries.items()}

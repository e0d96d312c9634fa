"""Check every invariant of the format on a dataset. Each check is a function; a finding names a file and what is wrong."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from humanverse.codec import header_size
from humanverse.dataset import layout, tar
from humanverse.dataset.reader import Dataset
from humanverse.dataset.status import over_shards
from humanverse.errors import DatasetError, one_line
from schemas import images, layers, ledger
from schemas.layers import KINDS, OK, ROW_STATUSES

PROBLEM = "problem"
NOTE = "note"


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be.

    Attributes:
        level: ``problem``: an invariant is broken; ``note``: nothing is lost (work to be done, leftovers of a kill).
        path: the file, relative to the dataset.
        message: what is wrong with it.
    """

    level: str
    path: str
    message: str


@dataclass(frozen=True)
class Report:
    """What ``verify`` found, and how much it read."""

    shards: int
    rows: int
    samples: int
    findings: tuple[Finding, ...]

    @property
    def problems(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.level == PROBLEM]

    @property
    def sound(self) -> bool:
        return not self.problems


@dataclass
class _Shard:
    """One committed shard, read once for all checks."""

    dataset: Dataset
    number: int
    ledger: pa.Table
    images: pa.Table
    members: list[tuple[tar.Member, bytes]]


Check = Callable[[_Shard], Iterator[Finding]]


def _problem(path: str, message: str) -> Finding:
    return Finding(PROBLEM, path, message)


def _table(dataset: Dataset, path: str, schema: pa.Schema) -> pa.Table:
    """A Parquet file whose first columns are those of ``schema``.

    Raises:
        DatasetError: if it is missing, damaged, or has other columns.
    """
    try:
        table = pq.read_table(io.BytesIO(dataset.store.read(path)))
    except FileNotFoundError as error:
        raise DatasetError("is missing") from error
    except (pa.ArrowException, OSError) as error:
        raise DatasetError(f"is damaged: {one_line(error)}") from error
    for field in schema:
        if field.name not in table.column_names or table.schema.field(field.name).type != field.type:
            raise DatasetError(f"column {field.name} is not {field.type}")
    return table


def _members(dataset: Dataset, path: str) -> list[tuple[tar.Member, bytes]]:
    try:
        return list(tar.read_bytes(dataset.store.read(path)))
    except FileNotFoundError as error:
        raise DatasetError("is missing") from error
    except (tarfile.TarError, ValueError) as error:
        raise DatasetError(f"is damaged: {one_line(error)}") from error


def _rows_once(shard: _Shard) -> Iterator[Finding]:
    """Invariant 1: the shard's source rows, each once, each with one known status and reason."""
    path = layout.ledger(shard.number)
    size, total = int(shard.dataset.source["shard_size"]), int(shard.dataset.source["rows"])
    expected = list(range(shard.number * size, min((shard.number + 1) * size, total)))
    if shard.ledger.column("row").to_pylist() != expected:
        yield _problem(path, f"its rows are not the {len(expected)} source rows of the shard, each once")
    for row in shard.ledger.to_pylist():
        reason = row["reason"]
        known = reason is None if row["status"] == ledger.KEPT else reason in ledger.REASONS
        if row["status"] not in ledger.STATUSES or not known:
            yield _problem(path, f"row {row['row']} has status {row['status']} with reason {reason}")
        elif row["status"] != ledger.KEPT and ledger.Failure(reason).status != row["status"]:
            yield _problem(path, f"row {row['row']} is {row['status']}, but {reason} is not a reason for that")


def _kept_are_images(shard: _Shard) -> Iterator[Finding]:
    """The kept rows of the ledger are the samples, in order."""
    kept = [(row["row"], row["uid"]) for row in shard.ledger.to_pylist() if row["status"] == ledger.KEPT]
    stored = list(zip(shard.images.column("row").to_pylist(), shard.images.column("uid").to_pylist(), strict=True))
    if kept != stored:
        yield _problem(layout.images_table(shard.number), f"{len(stored)} samples, the ledger kept {len(kept)} others")


def _stored_bytes(shard: _Shard) -> Iterator[Finding]:
    """Every member is where its row says, with the bytes that were written, and without metadata."""
    path = layout.images_tar(shard.number)
    rows = shard.images.to_pylist()
    if len(rows) != len(shard.members):
        yield _problem(path, f"{len(shard.members)} members for {len(rows)} rows")
        return
    for row, (member, data) in zip(rows, shard.members, strict=True):
        expected = tar.Member(f"{row['uid']}.{layout.IMAGE_SUFFIX}", row["jpg_offset"], row["jpg_size"])
        if member != expected:
            yield _problem(path, f"{member.name} is not where its row says")
        elif hashlib.sha256(data).hexdigest() != row["jpg_sha256"]:
            yield _problem(path, f"{member.name} has other bytes than were written")
        elif header_size(data) != (row["width"], row["height"]):
            yield _problem(path, f"{member.name} is not {row['width']}x{row['height']}")
        elif row["uid"] != row["sha256"][:32]:
            yield _problem(layout.images_table(shard.number), f"uid {row['uid']} is not of its sha256")


def _layers(shard: _Shard) -> Iterator[Finding]:
    """Row i of every layer is row i of the images; maps are where their rows say."""
    for layer in shard.dataset.layers():
        path = layout.layer_table(layer, shard.number)
        if not shard.dataset.store.exists(path):
            yield Finding(NOTE, path, "is not made yet")
            continue
        kind = KINDS[layer.partition("/")[0]]
        try:
            table = _table(shard.dataset, path, kind.schema)
        except DatasetError as error:
            yield _problem(path, str(error))
            continue
        if table.column("uid").to_pylist() != shard.images.column("uid").to_pylist():
            yield _problem(path, "its rows are not those of the images")
            continue
        yield from _layer_rows(path, table)
        if kind.dense:
            yield from _maps(shard, layer, kind, table)


def _layer_rows(path: str, table: pa.Table) -> Iterator[Finding]:
    for row in table.to_pylist():
        said = [name for name, value in row.items() if name not in ("uid", "status", "reason") and value is not None]
        if row["status"] not in ROW_STATUSES:
            yield _problem(path, f"{row['uid']} has status {row['status']}")
        elif row["status"] != OK and (said or not row["reason"]):
            yield _problem(path, f"{row['uid']} is {row['status']} with values or without a reason")


def _maps(shard: _Shard, layer: str, kind: layers.Kind, table: pa.Table) -> Iterator[Finding]:
    path = layout.layer_tar(layer, shard.number)
    try:
        members = [member for member, _ in _members(shard.dataset, path)]
    except DatasetError as error:
        yield _problem(path, str(error))
        return
    expected = [
        tar.Member(f"{row['uid']}.{kind.suffix}", row["map_offset"], row["map_size"])
        for row in table.to_pylist()
        if row["map_offset"] is not None
    ]
    if members != expected:
        yield _problem(path, "its members are not those of its rows")


def _people_agree(shard: _Shard) -> Iterator[Finding]:
    """The pose layer's people are the person layer's."""
    made = shard.dataset.layers()
    for layer in made:
        need = shard.dataset.layer_card(layer).get("needs", {}).get("person")
        if layer.partition("/")[0] != "pose" or need is None:
            continue
        persons = [name for name in made if shard.dataset.layer_card(name).get("fingerprint") == need]
        if persons:
            yield from _same_people(shard, layer, persons[0])


def _same_people(shard: _Shard, pose: str, person: str) -> Iterator[Finding]:
    path = layout.layer_table(pose, shard.number)
    paths = (path, layout.layer_table(person, shard.number))
    if not all(shard.dataset.store.exists(each) for each in paths):
        return
    points, boxes = (pq.read_table(io.BytesIO(shard.dataset.store.read(each))).to_pylist() for each in paths)
    for row, box in zip(points, boxes, strict=False):
        if row["status"] == OK == box["status"] and len(row["keypoints"]) != len(box["boxes"]):
            yield _problem(path, f"{row['uid']} has {len(row['keypoints'])} people, {person} has {len(box['boxes'])}")


CHECKS: tuple[Check, ...] = (_rows_once, _kept_are_images, _stored_bytes, _layers, _people_agree)


def _read(dataset: Dataset, number: int) -> _Shard | Finding:
    """A committed shard, or the problem that keeps it from being read."""
    path = layout.ledger(number)
    try:
        rows = _table(dataset, path, ledger.SCHEMA)
        path = layout.images_table(number)
        table = _table(dataset, path, images.SCHEMA)
        path = layout.images_tar(number)
        return _Shard(dataset, number, rows, table, _members(dataset, path))
    except DatasetError as error:
        return _problem(path, str(error))


def _one(dataset: Dataset, number: int) -> tuple[int, int, list[Finding]]:
    shard = _read(dataset, number)
    if isinstance(shard, Finding):
        return 0, 0, [shard]
    findings = [finding for check in CHECKS for finding in check(shard)]
    return shard.ledger.num_rows, shard.images.num_rows, findings


def _whole(dataset: Dataset, shards: Iterable[int]) -> Iterator[Finding]:
    """Shards that are not committed yet, cards that do not fit their layer, and files that belong to nothing."""
    committed = set(shards)
    missing = dataset.planned_shards - len(committed & set(range(dataset.planned_shards)))
    if missing:
        yield Finding(NOTE, layout.LEDGER, f"{missing} of {dataset.planned_shards} shards are not committed yet")
    for number in sorted(committed):
        if number >= dataset.planned_shards:
            yield _problem(layout.ledger(number), "the source has no such shard")
    for layer in dataset.layers():
        if not isinstance(dataset.layer_card(layer).get("fingerprint"), str):
            yield _problem(layout.layer_card(layer), "has no fingerprint")
    yield from _strays(dataset, committed)


def _strays(dataset: Dataset, committed: set[int]) -> Iterator[Finding]:
    known: Mapping[str, Any] = dict.fromkeys((layout.MARKER, layout.RECIPE, layout.SOURCE))
    folders = {layout.LEDGER, layout.IMAGES, *(layout.layer_folder(layer) for layer in dataset.layers())}
    for path, _ in dataset.store.walk():
        folder, _, name = path.rpartition("/")
        stem, _, suffix = name.partition(".")
        if path in known or name == "layer.json" or folder.partition("/")[0] in layout.OTHER_FOLDERS:
            continue
        if folder not in folders or suffix not in ("parquet", "tar") or not stem.isdigit():
            yield Finding(NOTE, path, "does not belong to the dataset")
        elif int(stem) not in committed:
            yield Finding(NOTE, path, "is of a shard that is not committed; building again writes it anew")


def verify(dataset: Dataset, progress: Callable[[int], None] = lambda shard: None) -> Report:
    """Read the whole dataset and check it.

    Args:
        dataset: to check; tombstones play no part.
        progress: told the number of each shard when it is done.
    """
    shards = dataset.shards()

    def work(number: int) -> tuple[int, int, list[Finding]]:
        result = _one(dataset, number)
        progress(number)
        return result

    results = over_shards(work, shards)
    findings = [finding for _, _, found in results for finding in found]
    return Report(
        shards=len(shards),
        rows=sum(rows for rows, _, _ in results),
        samples=sum(samples for _, samples, _ in results),
        findings=(*findings, *_whole(dataset, shards)),
    )

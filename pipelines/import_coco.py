"""``annotate --from-coco``: ground truth of a COCO JSON file as layers of a dataset."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from humanverse.dataset import create, views
from humanverse.dataset.adding import Target
from humanverse.dataset.reader import Dataset
from humanverse.errors import UserError
from humanverse.plurals import plural
from pipelines.progress import Counts, Display, Local
from pipelines.truth import coco_json
from pipelines.truth.coco_json import CocoFile
from pipelines.truth.coco_rows import Refused, Row, rows
from pipelines.truth.matching import NAME, Matching
from schemas.layers import KINDS, OK, UNAVAILABLE
from schemas.ledger import FORGOTTEN
from schemas.provenance import fingerprint

NEEDS: Mapping[str, tuple[str, ...]] = {"person": (), "pose": ("person",)}
"""Kinds that can be imported, each after those that it is made with."""
IMPORTER, VERSION = "coco", 1
MODEL = "ground truth imported from COCO JSON"
LICENCE = "of the annotations, as their publisher states it"


@dataclass
class Result:
    """What an import did.

    Attributes:
        layers: that were made or completed, ``<kind>/<name>``.
        shards: committed shards of the dataset.
        before: those of them that had all the layers already.
        samples: in the shards that were done now.
        matched: those of them that are in the file.
        people: annotated persons in these, crowds too.
        refused: reason -> matched samples whose annotations could not be placed.
        pictures: in the file.
        pictures_unmatched: those of them that no sample of the shards done now is.
        ambiguous: names that several pictures or samples have, of those in the file; these match nothing.
        seconds: wall time.
    """

    layers: list[str]
    shards: int = 0
    before: int = 0
    samples: int = 0
    matched: int = 0
    people: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    pictures: int = 0
    pictures_unmatched: int = 0
    ambiguous: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "refused": dict(self.refused.most_common()), "seconds": round(self.seconds, 3)}


def import_coco(url: str, file: Path, names: Mapping[str, str], match: str | None = None) -> Result:
    """Add ground truth from ``file`` to the dataset at ``url``; a second run does only the shards that lack it.

    Args:
        names: kind (``person``, ``pose``) -> the name of its layer.
        match: the column of the samples that says which picture of the file each is; by file name if not given.

    Raises:
        UserError: for whatever the user can mend.
    """
    started = time.monotonic()
    _check(names)
    dataset = Dataset(url)
    shards = dataset.shards()
    if not shards:
        raise UserError(f"{url} has no committed shard: build it first")
    truth = coco_json.read(file)
    if "pose" in names and not truth.has_points:
        raise UserError(f"{file} has no keypoints: import person alone, or give person_keypoints annotations")
    cards = provenances(truth, names, match)
    layers = {kind: f"{kind}/{name}" for kind, name in names.items()}
    for kind, layer in layers.items():
        create.check_layer(dataset.store, layer, cards[kind])
    result = Result(list(layers.values()), len(shards), pictures=len(truth.pictures))
    lacking = _lacking(dataset, shards, layers)
    result.before = len(shards) - len(lacking)
    _write(dataset, lacking, layers, cards, Matching(truth, match), shards, result)
    result.seconds = time.monotonic() - started
    return result


def _check(names: Mapping[str, str]) -> None:
    for kind, name in names.items():
        if kind not in NEEDS:
            raise UserError(f"--from-coco cannot make {kind!r}: ask for {' and '.join(NEEDS)}")
        if not views.NAME.fullmatch(name):
            raise UserError(f"{kind}={name}: a layer's name has lower-case letters, digits, - and _")
        for need in NEEDS[kind]:
            if need not in names:
                raise UserError(f"{kind} is of the people of a {need} layer: ask for {need}={name} {kind}={name}")


def provenances(truth: CocoFile, names: Mapping[str, str], match: str | None) -> dict[str, dict[str, Any]]:
    """``layer.json`` by kind, but for code and time."""
    cards: dict[str, dict[str, Any]] = {}
    for kind in (kind for kind in NEEDS if kind in names):
        facts = {
            "kind": kind,
            "name": IMPORTER,
            "version": VERSION,
            "model": MODEL,
            "weights": {truth.path.name: truth.sha256},
            "settings": {"match": match or NAME},
            "needs": {need: cards[need]["fingerprint"] for need in NEEDS[kind]},
        }
        reads = {need: f"{need}/{names[need]}" for need in NEEDS[kind]}
        about = {"layer": f"{kind}/{names[kind]}", "reads": reads, "truth": True, "licence": LICENCE}
        about["asked"] = {"from_coco": truth.path.as_posix()}
        cards[kind] = {**facts, **about, "fingerprint": fingerprint(facts)}
    return cards


def _lacking(dataset: Dataset, shards: Sequence[int], layers: Mapping[str, str]) -> dict[int, list[str]]:
    """Shard -> kinds whose layer it lacks, each after those that it is made with; only shards that lack any."""
    there = {kind: dataset.layer_shards(layer) for kind, layer in layers.items()}
    wanted = [kind for kind in NEEDS if kind in layers]
    found = {shard: [kind for kind in wanted if shard not in there[kind]] for shard in shards}
    return {shard: kinds for shard, kinds in found.items() if kinds}


def _write(
    dataset: Dataset,
    lacking: Mapping[int, Sequence[str]],
    layers: Mapping[str, str],
    cards: Mapping[str, Mapping[str, Any]],
    matching: Matching,
    shards: Sequence[int],
    result: Result,
) -> None:
    """Make what is lacking, shard by shard."""
    count = Local()
    used: set[int | str] = set()
    with Display("import", len(shards), result.before, count.counts, math.inf, unit="shards", note=_note):
        if lacking:
            matching.look_at(dataset, shards)
        for kind, layer in layers.items():
            create.declare_layer(dataset.store, layer, cards[kind])
        for shard, kinds in lacking.items():
            target = Target.open(dataset, shard)
            made = _rows(target, matching, result, used)
            for kind in kinds:
                target.publish(layers[kind], pa.Table.from_pylist(made[kind], schema=KINDS[kind].schema))
            count(rows=1, samples=target.images.num_rows)
    result.ambiguous = sorted(matching.ambiguous)
    result.pictures_unmatched = result.pictures - len(used)


def _note(counts: Counts, rate: float) -> str:
    return plural(counts.get("samples", 0), "sample")


def _rows(target: Target, matching: Matching, result: Result, used: set[int | str]) -> dict[str, list[Row]]:
    """The rows of each kind for all samples of a shard, as written; ``result`` and ``used`` (ids) are added to."""
    made: dict[str, list[Row]] = {kind: [] for kind in NEEDS}
    keys = matching.keys(target.images)
    for image, key, forgotten in zip(target.images.to_pylist(), keys, target.forgotten.tolist(), strict=True):
        said = FORGOTTEN if forgotten else _said(image, key, matching, result, used)
        for kind, of_kind in made.items():
            if isinstance(said, str):
                of_kind.append({"uid": image["uid"], "status": UNAVAILABLE, "reason": said})
            else:
                of_kind.append({"uid": image["uid"], "status": OK, **said[kind]})
    result.samples += target.images.num_rows
    return made


def _said(
    image: Mapping[str, Any], key: str | None, matching: Matching, result: Result, used: set[int | str]
) -> dict[str, Row] | str:
    """The columns of each kind for one sample, or the reason why there are none."""
    picture = matching.picture(key)
    if picture is None:
        ambiguous = key is not None and key in matching.ambiguous
        return f"several pictures are called {key}" if ambiguous else "not in the annotation file"
    used.add(picture.id)
    result.matched += 1
    try:
        found = rows(picture, image)
    except Refused as error:
        result.refused[str(error)] += 1
        return str(error)
    result.people += len(found["person"]["boxes"])
    return found

"""Small datasets for tests, written by the project's own writers: real JPEGs; person, pose, caption and depth layers."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from humanverse.codec import encode_jpeg
from humanverse.codec.maps import encode_depth
from humanverse.codec.phash import phash
from humanverse.dataset.commit import commit
from humanverse.dataset.create import create_or_continue, declare_layer
from humanverse.dataset.plan_retry import plan
from humanverse.dataset.reader import Dataset
from humanverse.dataset.retries import Pass
from humanverse.dataset.shard import Shard
from humanverse.storage import Store
from schemas import images, layers, ledger, recipe
from schemas.provenance import fingerprint
from schemas.skeletons import PARTS, WHOLEBODY

WIDTH, HEIGHT = 320, 240
LAYERS = ("person/test", "pose/test", "caption/test", "depth/test")
LOST = (
    (ledger.FAILED, "timeout", "5.0 s"),
    (ledger.FAILED, "not_an_image", "text/html"),
    (ledger.REJECTED, "too_few_people", "0 < 1"),
)
"""Status, reason and detail of the rows of every shard that do not become samples; they follow the kept ones."""


def picture(seed: int, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """uint8 (height, width, 3): a smooth ground with a block on it, different for every ``seed``."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    ground = np.stack([x * 160 / width + 40, y * 160 / height + 40, np.full(x.shape, 120.0)], axis=2)
    ground += random.integers(-30, 30, 3)
    ground[height // 4 : -height // 8, width // 4 : width // 2] = random.integers(0, 255, 3)
    return np.clip(ground, 0, 255).astype(np.uint8)


def skeleton(box: Sequence[float]) -> list[float]:
    """133 x (x, y, confidence), flat: points on a lattice in ``box``; the right hand's are not seen (confidence 0.1)."""
    x0, y0, x1, y1 = box
    columns = 12
    slots = np.arange(len(WHOLEBODY))
    points = np.zeros((len(WHOLEBODY), 3))
    points[:, 0] = x0 + (x1 - x0) * (slots % columns + 0.5) / columns
    points[:, 1] = y0 + (y1 - y0) * (slots // columns + 0.5) / columns
    points[:, 2] = 0.9
    points[list(PARTS["right_hand"]), 2] = 0.1
    return [float(value) for value in points.ravel()]


def _sample(row: int, columns: Mapping[str, Any]) -> dict[str, Any]:
    pixels = picture(row)
    jpeg = encode_jpeg(pixels, 90)
    digest = hashlib.sha256(jpeg).hexdigest()
    return {
        "uid": digest[:32],
        "row": row,
        "url": f"https://pictures.example/{row}.jpg",
        "caption": f"alt text of row {row}",
        "width": WIDTH,
        "height": HEIGHT,
        "original_width": WIDTH,
        "original_height": HEIGHT,
        "original_box": [0.0, 0.0, float(WIDTH), float(HEIGHT)],
        "original_format": "jpeg",
        "original_orientation": 1,
        "reencoded": False,
        "sha256": digest,
        "jpg_sha256": digest,
        "phash": phash(pixels),
        "jpg_offset": 0,
        "jpg_size": 0,
        "jpeg": jpeg,
        **columns,
    }


def _person(row: int) -> dict[str, Any]:
    boxes = [[80.0, 60.0, 160.0, 210.0], [200.0, 40.0, 260.0, 200.0]]
    areas = [(x1 - x0) * (y1 - y0) / (WIDTH * HEIGHT) for x0, y0, x1, y1 in boxes]
    return {"boxes": boxes, "scores": [0.95, 0.25], "area_ratios": areas, "union_area_ratio": sum(areas)}


def _pose(row: int) -> dict[str, Any]:
    people = [skeleton(box) for box in _person(row)["boxes"]]
    present = [[True] * len(WHOLEBODY) for _ in people]
    return {"keypoints": people, "present": present, "scores": [0.9] * len(people)}


def _caption(row: int) -> dict[str, Any]:
    return {"text": f"one person, row {row}", "language": "en", "method": "template"}


def _depth(row: int) -> dict[str, Any]:
    depth = np.linspace(1, 4, 48 * 64, dtype=np.float32).reshape(48, 64)
    png, scaling = encode_depth(depth)
    box = [0.0, 0.0, float(WIDTH), float(HEIGHT)]
    size = {"map_offset": None, "map_size": None, "map_width": 64, "map_height": 48, "map_box": box}
    return {**size, "depth_kind": "metric", "unit": "m", **scaling, "map": png}


_ROWS = {"person": _person, "pose": _pose, "caption": _caption, "depth": _depth}


def layer_table(layer: str, samples: Sequence[Mapping[str, Any]], unavailable: Mapping[str, str]) -> pa.Table:
    """Rows of ``layer`` for ``samples``; all of status ``unavailable`` if ``unavailable`` gives its kind a reason."""
    kind = layers.KINDS[layer.partition("/")[0]]
    reason = unavailable.get(kind.name)
    head = {"status": layers.UNAVAILABLE if reason else layers.OK, "reason": reason}
    rows = [{"uid": item["uid"], **head, **({} if reason else _ROWS[kind.name](item["row"]))} for item in samples]
    schema = kind.schema.append(pa.field("map", pa.large_binary())) if kind.dense else kind.schema
    return pa.Table.from_pylist(rows, schema=schema)


def make_shard(
    number: int,
    first_row: int,
    per_shard: int,
    columns: Mapping[str, Any],
    unavailable: Mapping[str, str],
) -> Shard:
    """A shard of ``per_shard`` samples and the rows of ``LOST``."""
    kept = [first_row + index for index in range(per_shard)]
    lost = {first_row + per_shard + index: why for index, why in enumerate(LOST)}
    return _shard(number, kept, lost, columns, unavailable)


def _shard(
    number: int,
    kept: Sequence[int],
    lost: Mapping[int, tuple[str, str, str]],
    columns: Mapping[str, Any],
    unavailable: Mapping[str, str],
) -> Shard:
    """A shard of the source rows ``kept`` and ``lost``; the latter with status, reason and detail."""
    return shard_of(number, {row: row for row in kept}, lost, columns, unavailable)


def shard_of(
    number: int,
    kept: Mapping[int, int],
    lost: Mapping[int, tuple[str, str, str]],
    columns: Mapping[str, Any],
    unavailable: Mapping[str, str],
) -> Shard:
    """As ``_shard``; ``kept`` is source row -> seed of its picture."""
    samples = [_sample(seed, {**columns, "row": row}) for row, seed in kept.items()]
    extra = [pa.field(name, pa.string()) for name in columns if name not in images.RESERVED]
    schema = images.with_source_columns(extra).append(images.JPEG)
    rows = [
        {
            "row": item["row"],
            "url": item["url"],
            "status": ledger.KEPT,
            "uid": item["uid"],
            "width": WIDTH,
            "height": HEIGHT,
        }
        for item in samples
    ]
    rows += [
        {"row": row, "url": f"https://pictures.example/{row}.jpg", "status": status, "reason": reason, "detail": detail}
        for row, (status, reason, detail) in lost.items()
    ]
    return Shard(
        number,
        pa.Table.from_pylist(sorted(rows, key=lambda row: row["row"]), schema=ledger.SCHEMA),
        pa.Table.from_pylist(samples, schema=schema),
        {layer: layer_table(layer, samples, unavailable) for layer in LAYERS},
    )


def make_retry(
    path: Path, reasons: Sequence[str], kept: Sequence[int] = (), commits: int | None = None, reason: str = "timeout"
) -> Pass:
    """Plan a retry of the dataset at ``path`` and commit its shards, or the first ``commits`` of them.

    Args:
        kept: source rows that become samples; the others fail with ``reason``.
    """
    dataset = Dataset(str(path))
    made = plan(dataset, reasons, recipe.FetchSettings())
    assert made is not None
    for number in made.numbers[:commits]:
        rows = dataset.retry_rows(number).column("row").to_pylist()
        lost = {row: (ledger.FAILED, reason, "again") for row in rows if row not in kept}
        commit(dataset.store, _shard(number, [row for row in rows if row in kept], lost, {}, {}))
    return made


def cards(models: Mapping[str, str] | None = None) -> dict[str, dict[str, Any]]:
    """``layer.json`` of each of ``LAYERS``, without time and version: pose is made from person.

    Args:
        models: of layers that are to have another model than usual.
    """
    made: dict[str, dict[str, Any]] = {}
    for layer in LAYERS:
        kind, _, name = layer.partition("/")
        needs = {"person": made["person/test"]["fingerprint"]} if kind == "pose" else {}
        facts = {
            "kind": kind,
            "name": name,
            "version": 1,
            "model": (models or {}).get(layer, f"model of {layer}"),
            "settings": {},
            "needs": needs,
        }
        facts |= {"weights": {"a.onnx": "ab" * 32}}
        reads = {"reads": {"person": "person/test"} if needs else {}}
        made[layer] = {**facts, **reads, "licence": "CC0-1.0", "fingerprint": fingerprint(facts)}
    return made


def recipe_of(layers: Sequence[str] = LAYERS) -> recipe.Recipe:
    """The lite preset's, with ``layers`` for annotators."""
    named = dict(layer.split("/") for layer in layers)
    others = dict.fromkeys(recipe.load().annotators)
    return recipe.load(overrides={"annotators": {**others, **named}})


def make_dataset(
    path: Path | str,
    shards: int = 2,
    per_shard: int = 3,
    *,
    planned_shards: int | None = None,
    columns: Mapping[str, Any] | None = None,
    unavailable: Mapping[str, str] | None = None,
) -> Store:
    """Write a dataset to ``path``: ``shards`` shards of ``per_shard`` samples and three lost rows each.

    Args:
        planned_shards: of the source; more than ``shards`` makes an unfinished dataset.
        columns: values that every sample has in its images row: of our own columns, or of further source columns (strings).
        unavailable: kind -> the reason why its layer says nothing.
    """
    store = Store(path)
    size = per_shard + len(LOST)
    source = {"kind": "table", "rows": (planned_shards or shards) * size, "shard_size": size}
    create_or_continue(store, recipe_of(), source)
    for layer, card in cards().items():
        declare_layer(store, layer, card)
    for number in range(shards):
        commit(store, make_shard(number, number * size, per_shard, columns or {}, unavailable or {}))
    return store

"""A dataset whose samples differ in what their columns say, and views of it that are not written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from humanverse.dataset.commit import commit
from humanverse.dataset.create import create_or_continue, declare_layer
from humanverse.dataset.reader import Dataset
from humanverse.dataset.selection import Selection
from humanverse.dataset.view_cards import Pin, ViewCard
from humanverse.dataset.views import Filter, View
from humanverse.storage import Store
from schemas import layers
from tests import datasets

Row = dict[str, Any]
WORDS = ("a dancer on a stage", "Two people DANCE", "portrait", "", None)


def _person(random: np.random.Generator) -> Row:
    """A row of the person layer; numbers are multiples of 1/16, which float32 holds exactly."""
    if random.random() < 0.2:
        return {"status": layers.ROW_FAILED, "reason": "it raised"}
    scores = sorted((random.integers(0, 17, random.integers(0, 4)) / 16).tolist(), reverse=True)
    ratios = [float(random.integers(0, 17)) / 16 for _ in scores]
    boxes = [[0.0, 0.0, 10.0 * ratio, 10.0] for ratio in ratios]
    union = float(random.integers(0, 17)) / 16 if scores else 0.0
    return {
        "status": layers.OK,
        "boxes": boxes,
        "scores": scores,
        "area_ratios": ratios,
        "union_area_ratio": union,
    }


def varied_dataset(path: Path, shards: int = 2, per_shard: int = 30) -> list[Row]:
    """Write a dataset to ``path``.

    Returns:
        Of every sample, in order, its row of the images table and, under ``person``, of that layer (null columns are None).
    """
    store, random, told = Store(path), np.random.default_rng(1), []
    size = per_shard + len(datasets.LOST)
    create_or_continue(store, datasets.recipe_of(), {"kind": "table", "rows": shards * size, "shard_size": size})
    for layer, card in datasets.cards().items():
        declare_layer(store, layer, card)
    for number in range(shards):
        made = datasets.make_shard(number, number * size, per_shard, {}, {})
        rows = made.images.to_pylist()
        people = [{"uid": row["uid"], **_person(random)} for row in rows]
        for row in rows:
            row["caption"] = WORDS[random.integers(len(WORDS))]
            row["original_width"] = int(random.integers(100, 1000))
        made.images = pa.Table.from_pylist(rows, schema=made.images.schema)
        made.layers["person/test"] = pa.Table.from_pylist(people, schema=layers.KINDS["person"].schema)
        commit(store, made)
        filled = made.layers["person/test"].to_pylist()
        told += [{**row, "person": person} for row, person in zip(rows, filled, strict=True)]
    return told


def selected(
    dataset: Dataset,
    where: Sequence[str],
    pins: Mapping[str, str] | None = None,
    reads: Mapping[str, str] | None = None,
    filters: Sequence[Filter] = (),
) -> Selection:
    """A view called ``tried``, of ``dataset`` as it is now.

    Args:
        pins: kind -> ``<kind>/<name>``.
        reads: name in the expressions -> ``<kind>/<name>``; ``person`` and ``caption`` are known.
    """
    known = {"person": "person/test", "caption": "caption/test", **(reads or {})}

    def pin(layer: str) -> Pin:
        return Pin(layer=layer, fingerprint=dataset.layer_card(layer)["fingerprint"])

    card = ViewCard(
        name="tried",
        made_by="view",
        where=tuple(where),
        exclude=tuple(item.name for item in filters),
        layers={kind: pin(layer) for kind, layer in (pins or {}).items()},
        reads={name: pin(layer) for name, layer in known.items()},
    )
    return Selection(dataset, View(dataset.store, "tried", tuple(filters), card))

"""Datasets with captions and people to order, and a model of texts that is all too simple."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from humanverse.dataset.commit import commit
from humanverse.dataset.create import declare_layer
from humanverse.storage import Store
from schemas import layers
from schemas.provenance import fingerprint
from schemas.skeletons import PARTS, WHOLEBODY
from tests import datasets


class Words:
    """``Embedder``: each word is a direction of its own, nearly. Counts the texts that it was given."""

    name = "words"
    width = 64

    def __init__(self) -> None:
        self.seen: list[str] = []

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        self.seen += texts
        vectors = np.zeros((len(texts), self.width), np.float32)
        for row, text in enumerate(texts):
            for word in text.lower().split():
                vectors[row, int(hashlib.sha256(word.encode()).hexdigest(), 16) % self.width] += 1
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def somebody(x: float = 100, width: float = 40, confidence: float = 0.9, body: int = 17) -> np.ndarray:
    """float32 (133, 3): ``body`` body points on a line from (x, 40) to (x + width, 200), nothing else."""
    points = np.zeros((len(WHOLEBODY), 3), np.float32)
    places = np.linspace(0, 1, len(PARTS["body"]))[:body]
    points[:body, 0], points[:body, 1] = x + width * places, 40 + 160 * places
    points[:body, 2] = confidence
    return points


@dataclass
class Row:
    """A sample: what is said of it, and who is in it; pictures of the same ``seed`` are the same."""

    text: str | None
    people: list[np.ndarray] = field(default_factory=lambda: [somebody()])
    alt: str | None = None
    vector: list[float] | None = None
    seed: int | None = None


EMBEDDING = "embedding/toy"


def make(path: Path, *shards: Sequence[Row]) -> Store:
    """A dataset of these samples, with layers person, pose, caption and depth of the name test, and an embedding layer."""
    store = datasets.make_dataset(path, shards=0, planned_shards=len(shards), per_shard=max(map(len, shards)))
    facts = {
        "kind": "embedding",
        "name": "toy",
        "version": 1,
        "model": "toy",
        "settings": {},
        "needs": {},
        "weights": {},
    }
    declare_layer(store, EMBEDDING, {**facts, "width": 2, "licence": "CC0-1.0", "fingerprint": fingerprint(facts)})
    size = max(map(len, shards)) + len(datasets.LOST)
    for number, rows in enumerate(shards):
        first = number * size
        seeds = {first + place: first + place if row.seed is None else row.seed for place, row in enumerate(rows)}
        shard = datasets.shard_of(number, seeds, {}, {}, {})
        uids = shard.images.column("uid").to_pylist()
        shard.images = _with(shard.images, "caption", [row.alt for row in rows])
        for layer, made in {"pose/test": _pose, "caption/test": _caption, EMBEDDING: _embedding}.items():
            schema = layers.KINDS[layer.partition("/")[0]].schema
            told = [{"uid": uid, **made(row)} for uid, row in zip(uids, rows, strict=True)]
            shard.layers[layer] = pa.Table.from_pylist(told, schema=schema)
        commit(store, shard)
    return store


def _with(table: pa.Table, name: str, values: list[Any]) -> pa.Table:
    at = table.schema.get_field_index(name)
    return table.set_column(at, table.schema.field(at), pa.array(values, table.schema.field(at).type))


def _pose(row: Row) -> dict[str, Any]:
    people = [person.ravel().tolist() for person in row.people]
    present = [[True] * len(WHOLEBODY) for _ in people]
    return {"status": layers.OK, "keypoints": people, "present": present, "scores": [0.9] * len(people)}


def _caption(row: Row) -> dict[str, Any]:
    if row.text is None:
        return {"status": layers.UNAVAILABLE, "reason": "nothing to say"}
    return {"status": layers.OK, "text": row.text, "language": "en", "method": "test"}


def _embedding(row: Row) -> dict[str, Any]:
    if row.vector is None:
        return {"status": layers.ROW_FAILED, "reason": "no vector"}
    return {"status": layers.OK, "vector": row.vector}

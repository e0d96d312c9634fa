"""What is verified of an embedding layer: lengths, widths, and that its card says how wide it is."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from humanverse.dataset.adding import Target
from humanverse.dataset.create import declare_layer
from humanverse.dataset.reader import Dataset
from humanverse.dataset.verify import verify
from schemas.layers import KINDS
from schemas.provenance import fingerprint
from tests.datasets import make_dataset

CARD: dict[str, Any] = {
    "kind": "embedding",
    "name": "test",
    "version": 1,
    "model": "none",
    "weights": {},
    "settings": {},
    "needs": {},
    "width": 2,
}


def place(folder: Path, vectors: Sequence[Sequence[float]], **card: Any) -> Dataset:
    """A dataset of one shard whose embedding layer has these vectors."""
    make_dataset(folder, shards=1, per_shard=len(vectors))
    dataset = Dataset(str(folder))
    facts = {key: CARD[key] for key in ("kind", "name", "version", "model", "weights", "settings", "needs")}
    said = {**CARD, **card, "reads": {}, "licence": "none", "fingerprint": fingerprint(facts)}
    declare_layer(dataset.store, "embedding/test", said)
    uids = dataset.images(0).column("uid").to_pylist()
    rows = [{"uid": uid, "status": "ok", "vector": vector} for uid, vector in zip(uids, vectors, strict=True)]
    Target.open(dataset, 0).publish("embedding/test", pa.Table.from_pylist(rows, schema=KINDS["embedding"].schema))
    return Dataset(str(folder))


def messages(dataset: Dataset) -> str:
    found = verify(dataset).findings
    return json.dumps([one.message for one in found if one.path.startswith("layers/embedding/")])


def test_vectors_of_length_one_are_sound(tmp_path: Path) -> None:
    assert messages(place(tmp_path, [[1.0, 0.0], [0.6, 0.8]])) == "[]"


@pytest.mark.parametrize(
    ("vectors", "width", "told"),
    [
        ([[1.0, 0.0], [0.5, 0.5]], 2, "has a vector that is not of length 1"),
        ([[1.0, 0.0], [0.0, 0.6, 0.8]], 2, "has a vector of another width than the first"),
        ([[1.0, 0.0], [0.6, 0.8]], 3, "has a vector of another width than 3, as layer.json says"),
        ([[1.0, 0.0], [0.6, 0.8]], None, "does not say in width how many numbers its vectors have"),
    ],
)
def test_others_are_found(tmp_path: Path, vectors: list[list[float]], width: int | None, told: str) -> None:
    assert told in messages(place(tmp_path, vectors, width=width))

"""Datasets to export, and what an export has."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from humanverse.dataset import tombstones
from humanverse.dataset.commit import commit
from humanverse.dataset.create import declare_layer
from humanverse.dataset.reader import Dataset
from humanverse.dataset.tombstones import Tombstones
from humanverse.export.base import Settings
from humanverse.storage import Store
from pipelines.export import Result, export
from schemas.provenance import fingerprint
from tests.datasets import LOST, cards, layer_table, make_dataset, make_shard

FORMATS = ("webdataset", "coco", "hf")


PICTURES = {"webdataset": "*.tar", "coco": "images/*.jpg", "hf": "data/*.parquet"}


PER_SHARD = 3


@pytest.fixture
def people(tmp_path: Path) -> Path:
    make_dataset(tmp_path / "people", shards=2, per_shard=PER_SHARD, planned_shards=3)
    return tmp_path / "people"


def run(people: Path, out: Path, format: str, **settings: Any) -> Result:
    return export(str(people), str(out), format, Settings(**settings))


def state(out: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((out / "humanverse-export.json").read_text())
    return told


def uids(people: Path) -> list[str]:
    return [sample.uid for sample in Dataset(str(people)).samples()]


def listed(out: Path) -> list[str]:
    found: list[str] = pq.read_table(out / "humanverse-export.parquet").column("uid").to_pylist()
    return found


def forget(people: Path, uid: str) -> None:
    tombstones.write(Store(people), Tombstones(frozenset({uid})), "asked")


def add_shard(people: Path) -> None:
    commit(Store(people), make_shard(2, 2 * (PER_SHARD + len(LOST)), PER_SHARD, {}, {}))


def add_layer(people: Path, layer: str, settings: Mapping[str, Any] | None = None) -> None:
    """Another layer of a kind that is there, of the same rows."""
    kind, _, name = layer.partition("/")
    dataset = Dataset(str(people))
    card = {**cards()[f"{kind}/test"], "name": name, "settings": settings or {}}
    (people / "layers" / layer).mkdir(parents=True, exist_ok=True)
    (people / "layers" / layer / "layer.json").unlink(missing_ok=True)
    declare_layer(dataset.store, layer, {**card, "layer": layer, "fingerprint": fingerprint(card)})
    for shard in dataset.shards():
        shutil.copy(people / "layers" / f"{kind}/test" / f"{shard:06d}.parquet", people / "layers" / layer)


def files(out: Path, format: str) -> dict[str, int]:
    """The files with pictures, and when each was made."""
    return {path.name: path.stat().st_mtime_ns for path in out.glob(PICTURES[format])}


def add_layer_anew(people: Path) -> None:
    """``pose/test``, by other settings."""
    dataset = Dataset(str(people))
    card = {**cards()["pose/test"], "settings": {"other": 1}}
    declare_layer(dataset.store, "pose/test", {**card, "layer": "pose/test", "fingerprint": fingerprint(card)})
    for shard in dataset.shards():
        samples = dataset.images(shard).to_pylist()
        pq.write_table(
            layer_table("pose/test", samples, {}), people / "layers" / "pose" / "test" / f"{shard:06d}.parquet"
        )


def die_at(people: Path, out: Path, format: str, path: str) -> None:
    """Export, and die before ``path`` is written."""
    write = Store._publish

    def publish(self: Store, scratch: Path, name: str) -> None:
        if name.endswith(path) and self.url == str(out):
            os._exit(9)
        write(self, scratch, name)

    Store._publish = publish  # type: ignore[method-assign]
    run(people, out, format)


def contents(out: Path) -> dict[str, bytes]:
    """All files but what an export says of itself, which has a time."""
    found = (path for path in sorted(out.rglob("*")) if path.is_file() and ".tmp" not in path.parts)
    return {str(path.relative_to(out)): path.read_bytes() for path in found if path.name != "humanverse-export.json"}

"""For tests of layers that are added: a dataset, what is asked for, and all bytes of a folder."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from humanverse.dataset.reader import Dataset
from pipelines.plan_layers import Asked
from tests.datasets import make_dataset

TOYS = "tests.pipelines.toy_annotators"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A dataset of three shards with seven samples each; no caption of ours yet but ``caption/test``."""
    make_dataset(tmp_path / "people", shards=3, per_shard=7)
    return tmp_path / "people"


def asked(kind: str, toy: str, name: str | None = None, **settings: Any) -> Asked:
    """One toy's layer, under ``name`` if it is not the toy's own."""
    return Asked({kind: f"{TOYS}:{toy}"}, {kind: name} if name else {}, {kind: settings} if settings else {})


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below ``folder``."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def tables(folder: Path, layer: str) -> dict[str, bytes]:
    """The files of a layer but its card."""
    there = (folder / "layers" / layer).iterdir()
    return {path.name: path.read_bytes() for path in there if path.name != "layer.json"}


def uid_of(folder: Path, shard: int, position: int) -> str:
    uid: str = Dataset(str(folder)).images(shard).column("uid")[position].as_py()
    return uid


def rows(folder: Path, layer: str) -> dict[str, Mapping[str, Any]]:
    """All rows of a layer by uid."""
    dataset = Dataset(str(folder))
    found = pa.concat_tables([dataset.layer(layer, shard) for shard in dataset.shards()]).to_pylist()
    return {row["uid"]: row for row in found}

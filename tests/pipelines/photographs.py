"""The photographs with COCO annotations, where they are: a dataset of them, made smaller, without any layer."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import schemas.images
from humanverse.codec import Prepared, prepare
from humanverse.dataset.commit import commit
from humanverse.dataset.create import create_or_continue
from humanverse.dataset.shard import Shard
from humanverse.storage import Store
from schemas import ledger, recipe

DATA = Path(__file__).parents[3] / "shared" / "data"
KEYPOINTS = DATA / "annotations" / "person_keypoints.json"
WHOLEBODY = DATA / "annotations" / "coco_wholebody.json"
needs_data = pytest.mark.skipif(not KEYPOINTS.exists(), reason=f"no photographs at {DATA}")


def annotated(path: Path = KEYPOINTS) -> dict[str, Any]:
    """A file of annotations."""
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def store_small(place: Path, names: Sequence[str], shard_size: int = 20, **image: Any) -> str:
    """A dataset of the photographs called ``names`` without any layer, in shards of ``shard_size``; its path.

    Args:
        image: how they are stored; made smaller if nothing is said.
    """
    store = Store(place)
    settings = recipe.ImageSettings(**(image or {"resize": "keep_ratio_largest", "size": 300}))
    create_or_continue(store, recipe.load(), {"kind": "folder", "rows": len(names), "shard_size": shard_size})
    for start in range(0, len(names), shard_size):
        rows = [_row(start + index, name, settings) for index, name in enumerate(names[start : start + shard_size])]
        kept = [{**{key: row[key] for key in ("row", "url", "uid")}, "status": ledger.KEPT} for row in rows]
        images = pa.Table.from_pylist(rows, schema=schemas.images.SCHEMA.append(schemas.images.JPEG))
        commit(store, Shard(start // shard_size, pa.Table.from_pylist(kept, schema=ledger.SCHEMA), images, {}))
    return str(place)


def _row(number: int, name: str, settings: recipe.ImageSettings) -> dict[str, Any]:
    """The images row of one photograph, with its stored bytes."""
    data = (DATA / "images" / name).read_bytes()
    prepared = prepare(data, settings)
    assert isinstance(prepared, Prepared)
    digest = hashlib.sha256(data).hexdigest()
    return {
        **{field.name: getattr(prepared, field.name) for field in fields(prepared)},
        "uid": digest[:32],
        "row": number,
        "url": f"https://images.example/train2017/{name}",
        "caption": f"photograph {number}, {name}",
        "sha256": digest,
        "jpg_sha256": hashlib.sha256(prepared.jpeg).hexdigest(),
        "phash": 0,
        "jpg_offset": 0,
        "jpg_size": 0,
    }

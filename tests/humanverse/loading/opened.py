"""Loaders of small datasets, and what they give."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from humanverse.dataset.reader import Dataset
from humanverse.loading.loader import Loader
from humanverse.loading.order import Mixing
from tests.datasets import make_dataset

OPTIONS: dict[str, Any] = {
    "layers": ("depth", "pose"),
    "captions": {"source": 1, "caption": 1},
    "buckets": [(64, 64), (96, 72)],
    "batch_size": 2,
    "mixing": Mixing(lanes=2, mix=2, block=2, window=2),
}
"""Pictures of ``make_dataset`` are 4:3: they get the second bucket."""


def people(path: Path, shards: int = 4, per_shard: int = 5) -> str:
    """A dataset's URL."""
    return make_dataset(path / "people", shards, per_shard).url


def loader(url: str, **options: Any) -> Loader:
    return Dataset(url).to_torch(**{**OPTIONS, **options})


def taken(given: Loader, count: int | None = None) -> list[dict[str, Any]]:
    """The next ``count`` batches, all if it is None."""
    found: list[dict[str, Any]] = []
    for batch in given:
        found.append(batch)
        if len(found) == count:
            break
    return found


def uids(batches: list[dict[str, Any]]) -> list[list[str]]:
    return [batch["uids"] for batch in batches]


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two batches are equal, bit for bit."""
    assert one.keys() == other.keys()
    return all(
        torch.equal(value, other[name]) if isinstance(value, torch.Tensor) else value == other[name]
        for name, value in one.items()
    )

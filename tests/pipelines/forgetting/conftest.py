"""Tombstones are read anew each time; a dataset of three shards."""

from __future__ import annotations

from pathlib import Path

import pytest

from humanverse.dataset import tombstones
from tests.datasets import make_dataset


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tombstones, "FRESH_S", -1.0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_dataset(tmp_path / "d", shards=3, per_shard=4)
    return tmp_path / "d"

"""Two datasets whose pictures overlap."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.merging import make


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    """Two shards, pictures 1 to 4; rows 0 to 9."""
    make(tmp_path / "ours", [[1, 2], [3, 4]], name="ours")
    return tmp_path / "ours"


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    """Two shards, pictures 3, 5, 6 and 6, 7, 1; rows 0 to 11."""
    make(tmp_path / "theirs", [[3, 5, 6], [6, 7, 1]], name="theirs")
    return tmp_path / "theirs"

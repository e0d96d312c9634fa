"""Models are saved once; each runs on one thread."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.humanverse.generation import tiny
from tests.humanverse.models import conftest

one_thread = conftest.one_thread


@pytest.fixture(scope="session")
def structure(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.structure(tmp_path_factory.mktemp("models") / "structure")


@pytest.fixture(scope="session")
def refiner(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.refiner(tmp_path_factory.mktemp("models") / "refiner")

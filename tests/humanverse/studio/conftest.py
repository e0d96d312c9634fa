"""Models with random weights, and a dataset."""

from __future__ import annotations

from pathlib import Path

import pytest

from humanverse.generation import Generator
from humanverse.studio.samples import Samples
from humanverse.studio.work import Studio
from tests.datasets import make_dataset
from tests.humanverse.generation import conftest as models

one_thread, structure, refiner = models.one_thread, models.structure, models.refiner


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_dataset(tmp_path_factory.mktemp("studio") / "people", 2, 4).url


@pytest.fixture
def studio(structure: Path, refiner: Path, people: str, tmp_path: Path) -> Studio:
    generator = Generator(structure, refiner, device="cpu", mark=False)
    return Studio(generator, tmp_path / "pictures", Samples(people, "pose"))

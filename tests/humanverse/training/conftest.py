"""Tiny models run on one thread each: more only wait for each other."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from tests.datasets import make_dataset


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def people(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of a dataset of 20 samples."""
    return make_dataset(tmp_path_factory.mktemp("training") / "people", 4, 5).url

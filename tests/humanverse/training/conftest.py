"""Tiny models are trained on the CPU, on one thread: more only wait for each other, and round otherwise."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from accelerate.state import AcceleratorState

import humanverse.models  # noqa: F401  (before transformers: it readies torchvision)
from tests.datasets import make_dataset


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ACCELERATE_USE_CPU", "1")
        yield
    torch.set_num_threads(before)


def forget_precision() -> None:
    """Accelerate keeps a process's first precision until this is called."""
    AcceleratorState._reset_state(reset_partial_state=False)


@pytest.fixture
def precisions() -> Iterator[None]:
    """The test may train with any precision."""
    forget_precision()
    yield
    forget_precision()


@pytest.fixture(scope="session")
def people(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of a dataset of 20 samples."""
    return make_dataset(tmp_path_factory.mktemp("training") / "people", 4, 5).url

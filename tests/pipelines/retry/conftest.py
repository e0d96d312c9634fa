"""The web and its datasets, made once for all tests of a file."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pipelines.retry.flaky import (
    COUNT,
    Phases,
    Web,
)
from tests.servers import serve


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    phases = Phases()
    with serve({f"/{number}.jpg": phases.at(number) for number in range(COUNT)}) as server:
        yield Web(server, phases, tmp_path_factory.mktemp("web"))


@pytest.fixture(scope="module")
def built(web: Web, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built in phase 0: nothing tried again yet."""
    target = tmp_path_factory.mktemp("built") / "people"
    web.phases.phase = 0
    web.build(target)
    return target


@pytest.fixture(scope="module")
def retried(web: Web, built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``built``, and tried again in phase 1."""
    target = Path(shutil.copytree(built, tmp_path_factory.mktemp("retried") / "people"))
    web.phases.phase = 1
    web.build(target, retry=["http_5xx"])
    return target


@pytest.fixture
def target(built: Path, tmp_path: Path, web: Web) -> Path:
    """A copy of ``built``, in phase 1."""
    web.phases.phase = 1
    return Path(shutil.copytree(built, tmp_path / "people"))

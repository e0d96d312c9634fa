from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pipelines.download.builds import run, serve_web


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with serve_web(tmp_path_factory.mktemp("web")) as folder:
        yield folder


@pytest.fixture(scope="module")
def ours(web: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The list of ``web`` built by our own engine."""
    target = tmp_path_factory.mktemp("ours") / "people"
    run(web, target, {})
    return target

"""``kill -9`` of ``annotate`` and all its workers at any moment, then the same command again: the layer is the same."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
import uuid
from importlib.util import find_spec
from pathlib import Path

import pytest

from humanverse.dataset.reader import Dataset
from humanverse.dataset.verify import verify
from pipelines.annotate import annotate
from tests.datasets import make_dataset
from tests.pipelines.layers import TOYS, asked, digests, tables
from tests.pipelines.test_kill import MARK, kill_all

REPOSITORY = Path(__file__).parents[2]
SHARDS = 12
needs_ray = pytest.mark.skipif(find_spec("ray") is None, reason="needs Ray: pip install 'humanverse[ray]'")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_dataset(tmp_path / "people", shards=SHARDS, per_shard=5)
    return tmp_path / "people"


def start(folder: Path, *options: str) -> tuple[subprocess.Popen[bytes], str]:
    """The command in processes of its own, all of which carry a mark in their environment."""
    mark = uuid.uuid4().hex
    command = [str(Path(sys.executable).with_name("humanverse")), "annotate", str(folder), f"caption={TOYS}:Says"]
    process = subprocess.Popen(
        [*command, "--set", "caption.seconds=0.03", *options],
        env={**os.environ, MARK: mark, "PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    return process, mark


def _annotate_through_kills(folder: Path, kills: int, seconds: tuple[float, float], *options: str) -> None:
    """Start and kill ``kills`` times, then finish."""
    before, moments = digests(folder), random.Random(0)
    done: dict[str, int] = {}
    for _ in range(kills):
        process, mark = start(folder, *options)
        time.sleep(moments.uniform(*seconds))
        kill_all(mark)
        process.communicate()
        there = (folder / "layers/caption/says").glob("*.parquet")
        now = {path.name: path.stat().st_mtime_ns for path in there}
        assert done.items() <= now.items(), "a shard was done again"
        done = now
    process, mark = start(folder, *options)
    _, errors = process.communicate(timeout=300)
    kill_all(mark)
    assert process.returncode == 0, errors.decode()
    after = digests(folder)
    assert {path: digest for path, digest in after.items() if path in before} == before
    assert {path.rpartition("/")[0] for path in after.keys() - before.keys()} == {"layers/caption/says"}
    annotate(str(folder), asked("caption", "Says", "undisturbed"), local=True)
    assert tables(folder, "caption/says") == tables(folder, "caption/undisturbed")
    assert verify(Dataset(str(folder))).findings == ()


def test_killed_in_one_process(folder: Path) -> None:
    _annotate_through_kills(folder, 2, (0.8, 2.2), "--local")


@needs_ray
@pytest.mark.slow
def test_killed_ten_times_on_ray(folder: Path) -> None:
    _annotate_through_kills(folder, 10, (4.0, 9.0))


@needs_ray
@pytest.mark.slow
def test_killed_once_on_ray(folder: Path) -> None:
    _annotate_through_kills(folder, 1, (4.5, 6.5))

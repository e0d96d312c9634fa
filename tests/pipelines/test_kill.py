"""``kill -9`` of the driver and all its workers at any moment, then the same command again: nothing is lost or done twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

import humanverse
from humanverse.dataset.verify import verify
from tests.compare import assert_identical
from tests.pipelines.web import serve_web

COUNT = 48
MARK = "HUMANVERSE_TEST_RUN"


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with serve_web(tmp_path_factory.mktemp("web"), COUNT) as folder:
        yield folder


def start(web: Path, target: Path, *options: str) -> tuple[subprocess.Popen[bytes], str]:
    """A build in processes of its own, all of which carry a mark in their environment."""
    mark = uuid.uuid4().hex
    command = [str(Path(sys.executable).with_name("humanverse")), "build", str(web / "urls.parquet"), str(target)]
    process = subprocess.Popen(
        [*command, "--recipe", str(web / "recipe.yaml"), "--allow-private", *options],
        env={**os.environ, MARK: mark},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    return process, mark


def kill_all(mark: str) -> None:
    """``kill -9`` every process that carries ``mark``, until none is left."""
    needle = f"{MARK}={mark}".encode()
    while True:
        found = []
        for environment in Path("/proc").glob("[0-9]*/environ"):
            try:
                if needle in environment.read_bytes():
                    found.append(int(environment.parent.name))
            except OSError:
                continue
        if not found:
            return
        for number in found:
            try:
                os.kill(number, signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(0.05)


def committed(target: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in (target / "ledger").glob("*.parquet")}


def build_through_kills(web: Path, target: Path, kills: int, seconds: tuple[float, float], *options: str) -> int:
    """Start and kill ``kills`` times, then finish; how many shards were committed before the last start."""
    moments = random.Random(0)
    done: dict[str, int] = {}
    for _ in range(kills):
        process, mark = start(web, target, *options)
        time.sleep(moments.uniform(*seconds))
        kill_all(mark)
        process.communicate()
        now = committed(target)
        assert done.items() <= now.items(), "a committed shard was done again"
        done = now
    process, mark = start(web, target, *options)
    _, errors = process.communicate(timeout=300)
    kill_all(mark)
    assert process.returncode == 0, errors.decode()
    assert done.items() <= committed(target).items(), "a committed shard was done again"
    return len(done)


@pytest.fixture(scope="module")
def undisturbed(web: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("undisturbed") / "people"
    process, _ = start(web, target, "--local")
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors.decode()
    return target


def test_killed_in_one_process(web: Path, undisturbed: Path, tmp_path: Path) -> None:
    build_through_kills(web, tmp_path / "people", 4, (0.8, 3.0), "--local")
    assert_identical(tmp_path / "people", undisturbed)


@pytest.mark.slow
def test_killed_ten_times_on_ray(web: Path, undisturbed: Path, tmp_path: Path) -> None:
    build_through_kills(web, tmp_path / "people", 10, (5.0, 14.0))
    assert_identical(tmp_path / "people", undisturbed)
    assert verify(humanverse.open(str(tmp_path / "people"))).findings == ()


def test_killed_on_ray(web: Path, undisturbed: Path, tmp_path: Path) -> None:
    build_through_kills(web, tmp_path / "people", 2, (7.0, 12.0))
    assert_identical(tmp_path / "people", undisturbed)

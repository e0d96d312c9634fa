"""A retry that was stopped or killed goes on with the same rows, on Ray too."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import humanverse
from humanverse.dataset import layout
from humanverse.dataset.status import status
from humanverse.dataset.verify import verify
from humanverse.errors import UserError
from pipelines.engine import on_ray
from schemas.recipe import load
from tests.compare import assert_identical
from tests.pipelines.retry.flaky import (
    COUNT,
    FLAKY,
    PLANNED,
    SIZE,
    Web,
    final,
    half_done,
    passes,
)
from tests.pipelines.web import RECIPE


def test_a_retry_that_was_stopped_goes_on_with_the_same_rows(
    web: Web, target: Path, retried: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    half_done(web, target)
    found = status(humanverse.open(str(target)))
    assert (found.supplementary_shards, found.planned_supplementary_shards, found.complete) == (1, 3, False)
    assert final(target).keys() == set(range(COUNT))
    assert [finding.path for finding in verify(humanverse.open(str(target))).findings] == ["retries/000000.json"]
    result = web.build(target, retry=["http_4xx"])
    assert "an earlier one of 10 rows (http_5xx) is finished first; give --retry once more" in capsys.readouterr().err
    assert (result.planned, result.before, result.committed) == (3, 1, 2)
    assert result.retried is not None and result.retried.continued
    assert_identical(target, retried)


def test_a_plain_build_finishes_a_retry_and_does_the_shards_to_come(web: Web, target: Path, retried: Path) -> None:
    (target / layout.ledger(5)).unlink()
    half_done(web, target)
    (one,) = passes(target)
    assert [shard.last for shard in one.shards] == [6, 14, 17], "row 21 is of the shard that is not there"
    web.phases.phase = 0
    result = web.build(target)
    assert (result.planned, result.before, result.committed) == (PLANNED + 3, PLANNED, 3)
    assert final(target).keys() == set(range(COUNT))
    assert final(target)[21] == "http_5xx"
    assert verify(humanverse.open(str(target))).findings == ()


def test_a_retry_goes_on_with_the_settings_that_it_began_with(web: Web, target: Path) -> None:
    half_done(web, target, web.recipe(max_bytes=10))
    web.build(target)
    assert {final(target)[number] for number in FLAKY} == {"too_large"}


def test_a_plan_that_was_never_finished_is_made_anew(web: Web, target: Path, retried: Path) -> None:
    (target / layout.RETRIES).mkdir()
    shutil.copy(retried / layout.retry_rows(PLANNED), target / layout.retry_rows(PLANNED))
    (target / layout.retry_rows(PLANNED + 1)).write_bytes(b"half")
    found = verify(humanverse.open(str(target))).findings
    assert {finding.path for finding in found} == {layout.retry_rows(PLANNED), layout.retry_rows(PLANNED + 1)}
    assert all("never begun" in finding.message for finding in found)
    web.build(target, retry=["http_5xx"])
    assert_identical(target, retried)


def test_killed_in_the_middle_and_run_again(web: Web, target: Path, retried: Path) -> None:
    (web.folder / "cut.yaml").write_text(RECIPE.replace("shard_size: 6", f"shard_size: {SIZE}"))
    command = [
        str(Path(sys.executable).with_name("humanverse")),
        "build",
        str(web.folder / "urls.parquet"),
        str(target),
    ]
    command += ["--recipe", str(web.folder / "cut.yaml"), "--local", "--allow-private", "--json"]
    web.phases.silent, web.phases.met_silence = 9, threading.Event()
    process = subprocess.Popen([*command, "--retry", "http_5xx"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        assert web.phases.met_silence.wait(60)
    finally:
        process.kill()
        process.wait()
        web.phases.silent = None
    assert status(humanverse.open(str(target))).supplementary_shards == 1
    done = subprocess.run([*command, "--retry", "http_5xx"], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["retry"] == {"reasons": ["http_5xx"], "rows": 10, "continued": True}
    assert_identical(target, retried)


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """One Ray for all tests that need one."""
    on_ray.connect()
    yield
    import ray

    ray.shutdown()


@pytest.mark.usefixtures("cluster")
def test_a_retry_that_cannot_start_plans_nothing(web: Web, target: Path) -> None:
    recipe = web.recipe().model_copy(
        update={"resources": load(overrides={"resources": {"gate": {"gpus": 1}}}).resources}
    )
    with pytest.raises(UserError, match="GPU"):
        web.build(target, recipe, local=False, retry=["http_5xx"])
    assert not (target / layout.RETRIES).exists()


@pytest.mark.usefixtures("cluster")
def test_ray_gives_what_one_process_gives(web: Web, target: Path, retried: Path) -> None:
    result = web.build(target, local=False, workers=2, retry=["http_5xx"])
    assert (result.committed, result.lost) == (3, {})
    assert_identical(target, retried)


@pytest.mark.slow
@pytest.mark.usefixtures("cluster")
def test_ray_finishes_a_retry_and_the_shards_to_come(web: Web, target: Path, tmp_path: Path) -> None:
    (target / layout.ledger(5)).unlink()
    half_done(web, target)
    other = Path(shutil.copytree(target, tmp_path / "other"))
    web.build(other)
    result = web.build(target, local=False, workers=1)
    assert (result.committed, result.lost) == (3, {})
    assert_identical(target, other)

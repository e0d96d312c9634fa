"""Builds through the real img2dataset, which is installed for this if it is not there (1 GB): ``make test-all``."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

import humanverse
from humanverse.dataset.verify import verify
from pipelines.download.environment import VARIABLES, installed_python, ray_version
from pipelines.download.options import options
from schemas.recipe import load
from tests.compare import assert_identical
from tests.pipelines.download.builds import comparable, run
from tests.pipelines.test_kill import build_through_kills, start

pytestmark = pytest.mark.slow
FETCH = {"engine": "img2dataset", "img2dataset": {"round_shards": 4}}


def test_it_has_every_option_that_we_give() -> None:
    look = (
        "import inspect, json, img2dataset; print(json.dumps(list(inspect.signature(img2dataset.download).parameters)))"
    )
    python = installed_python(ray_version())
    done = subprocess.run([python, "-c", look], capture_output=True, text=True, check=True, env=VARIABLES)
    given = options(load(), 1, on_ray=True)
    assert {*given, "url_list", "output_folder"} <= {*json.loads(done.stdout.splitlines()[-1])}


@pytest.mark.parametrize("local", [True, False], ids=["multiprocessing", "ray"])
def test_the_dataset_is_that_of_our_own_engine(web: Path, ours: Path, tmp_path: Path, local: bool) -> None:
    assert run(web, tmp_path / "people", FETCH, local=local).lost == {}
    assert comparable(tmp_path / "people") == comparable(ours)
    assert verify(humanverse.open(str(tmp_path / "people"))).findings == ()
    assert not (tmp_path / "people" / ".tmp").exists()


@pytest.mark.parametrize("options", [["--local"], []], ids=["multiprocessing", "ray"])
def test_killed_and_run_again(web: Path, tmp_path: Path, options: list[str]) -> None:
    recipe = web / "recipe.yaml"
    plain = recipe.read_text()
    recipe.write_text(plain.replace("fetch: {", "fetch: {engine: img2dataset, img2dataset: {round_shards: 4}, "))
    try:
        process, _ = start(web, tmp_path / "undisturbed", *options)
        _, errors = process.communicate(timeout=300)
        assert process.returncode == 0, errors.decode()
        build_through_kills(web, tmp_path / "people", 4, (3.0, 20.0), *options)
    finally:
        recipe.write_text(plain)
    assert_identical(tmp_path / "people", tmp_path / "undisturbed")

"""The whole way of weights from a model hub into a layer, as a user goes it, with a small server for the hub."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.annotators import tiny
from tests.annotators.hub_server import COMMIT, hub
from tests.datasets import make_dataset

YOLOS = "hustvl/yolos-tiny"


@pytest.fixture
def env(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Of a machine with an empty home, whose hub has a tiny model under the real one's name."""
    folder = tiny.yolos(tmp_path / "served")
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    make_dataset(tmp_path / "people", shards=2, per_shard=3)
    with hub({YOLOS: files}) as (endpoint, _):
        yield {
            **os.environ,
            "HF_ENDPOINT": endpoint,
            "HF_HOME": str(tmp_path / "hf"),
            "HUMANVERSE_CACHE": str(tmp_path / "cache"),
            "HUMANVERSE_OFFLINE": "",
            "NO_PROXY": "*",
            "RAY_USAGE_STATS_ENABLED": "0",
        }


def run(env: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    program = "import sys; from pipelines.cli import main; sys.argv[0] = 'humanverse'; main()"
    return subprocess.run([sys.executable, "-c", program, *words], env=env, capture_output=True, text=True)


def check(env: dict[str, str], place: Path, *options: str) -> None:
    annotate = ("annotate", str(place), "person=yolos-tiny", "--set", "person.min_score=0.0001", "--json", *options)
    offline = run({**env, "HUMANVERSE_OFFLINE": "1"}, *annotate)
    assert offline.returncode == 2 and "weights of person=yolos-tiny are not here" in offline.stderr
    assert not (place / "layers/person/yolos-tiny").exists()
    first = run(env, *annotate)
    assert first.returncode == 0, first.stderr
    assert json.loads(first.stdout)["layers"] == {"person/yolos-tiny": {"ok": 6}}
    card = json.loads((place / "layers/person/yolos-tiny/layer.json").read_text())
    assert list(card["weights"]) == [f"hf:{YOLOS}@{COMMIT}"]
    (place / "layers/person/yolos-tiny/000001.parquet").unlink()
    again = run({**env, "HUMANVERSE_OFFLINE": "1"}, *annotate)
    assert json.loads(again.stdout)["done"] == 1


def test_in_one_process(env: dict[str, str], tmp_path: Path) -> None:
    check(env, tmp_path / "people", "--local")


@pytest.mark.slow
def test_on_ray(env: dict[str, str], tmp_path: Path) -> None:
    check(env, tmp_path / "people", "--workers", "1")

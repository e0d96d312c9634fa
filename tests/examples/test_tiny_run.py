"""examples/tiny from the first step to the last, with so few samples that nothing is learnt."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

RUN = Path(__file__).parents[2] / "examples" / "tiny" / "run.py"
FIGURES = {"ap", "ap50", "oks", "rgb_normal", "rgb_depth", "depth_normal"}


def small(out: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(RUN), str(out), "--small"],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_every_step_runs_and_a_second_run_makes_the_same(tmp_path: Path) -> None:
    first = small(tmp_path)
    assert first.returncode == 0, first.stdout[-2000:] + first.stderr[-2000:]
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert set(figures) == {"stage 1", "stage 2", "rendered", "through the VAE", "mixed up"}
    assert all(set(found) == FIGURES for found in figures.values())
    assert figures["rendered"]["oks"] > 0.7 > figures["mixed up"]["oks"]
    assert figures["rendered"]["depth_normal"] < 15 < figures["mixed up"]["depth_normal"]
    page = (tmp_path / "tiny.md").read_text()
    assert f"{figures['rendered']['oks']:.3g}" in page and "pose AP" in page
    assert Image.open(tmp_path / "tiny.jpg").width > 1000

    assert small(tmp_path).returncode == 0
    assert json.loads((tmp_path / "figures.json").read_text()) == figures

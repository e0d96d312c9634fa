"""The benchmark's arithmetic, and its command line on three photographs."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.annotate import Run, counted_reads, figures
from humanverse.storage import Store
from tests.annotators.photographs import DATA, NOBODY, PERSON, SEVERAL, photograph

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "annotate.py"


def test_figures() -> None:
    runs = [Run(4.0, 100, 1010, 550, 500), Run(2.0, 100, 1010, 500, 500), Run(2.0, 100, 1000, 500, 500)]
    idle = [Run(0.02, 100, 1000, 40, 40)]
    found = figures(runs, [1.9, 1.9, 1.8], idle, 1000)
    assert found == {
        "vs_bare_loop": 0.9,
        "rows_per_second": 50.0,
        "bare_rows_per_second": pytest.approx(100 / 1.9),
        "row_cost_us": pytest.approx(200.0),
        "bytes_written_ratio": 1.0,
        "image_reads_per_sample": 1.01,
        "samples": 100.0,
    }


def test_only_what_is_read_of_pictures_counts(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for path in ("images/000000.tar", "layers/a.tar"):
        store.write(path, b"0123456789")
    with counted_reads() as read:
        for path in ("images/000000.tar", "layers/a.tar"):
            with store.reading(path) as file:
                file.seek(4)
                assert file.read(3) == b"456"
        assert store.read_range("images/000000.tar", 2, 5) == b"23456"
    assert read == [3, 5]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(SCRIPT), *arguments], capture_output=True, text=True)


def test_the_last_line_is_one_flat_object(tmp_path: Path) -> None:
    for name in (PERSON, SEVERAL, NOBODY):
        photograph(name)
        shutil.copy(DATA / "images" / name, tmp_path)
    done = run("--images", str(tmp_path), "--kind", "quality", "--repeat", "1", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert all(isinstance(value, float) for value in found.values())
    assert found["samples"] == 3
    assert found["bytes_written_ratio"] == pytest.approx(1, abs=0.05)
    assert 1 <= found["image_reads_per_sample"] < 1.1


def test_a_folder_without_pictures_is_one_line(tmp_path: Path) -> None:
    done = run("--images", str(tmp_path))
    assert done.returncode == 2 and "Traceback" not in done.stderr

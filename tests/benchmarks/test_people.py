"""The benchmark's arithmetic, and its command line on three photographs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.people import people_figures
from tests.annotators.photographs import DATA, NOBODY, PERSON, SEVERAL, photograph

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "people.py"


def test_figures() -> None:
    entries = [
        {"class": "people", "tags": "single"},
        {"class": "people", "tags": "crowd small"},
        {"class": "people", "tags": ""},
        {"class": "no_people", "tags": ""},
        {"class": "no_people", "tags": ""},
        {"class": "ambiguous", "tags": ""},
    ]
    assert people_figures(entries, [0.9, 0.1, 0.4, 0.5, 0.0, 0.9], 0.4) == {
        "recall": pytest.approx(2 / 3),
        "recall_not_small": 1.0,
        "precision": pytest.approx(2 / 3),
        "fp_per_40": 20.0,
    }


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), "--images", str(DATA / "images"), *arguments]
    return subprocess.run(command, capture_output=True, text=True)


def test_the_last_line_is_one_flat_object(tmp_path: Path) -> None:
    photograph(PERSON)
    manifest = tmp_path / "manifest.csv"
    rows = [f"images/{PERSON},people,", f"images/{SEVERAL},people,", f"images/{NOBODY},no_people,"]
    manifest.write_text("\n".join(["file,class,tags", *rows]) + "\n")
    done = run("--manifest", str(manifest), "--json")
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])
    assert figures["recall"] == figures["precision"] == 1 and figures["fp_per_40"] == 0
    assert all(isinstance(value, float) for value in figures.values())


def test_a_missing_manifest_is_one_line(tmp_path: Path) -> None:
    done = run("--manifest", str(tmp_path / "no.csv"))
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert done.stderr.strip().splitlines()[-1].startswith(str(tmp_path / "no.csv"))

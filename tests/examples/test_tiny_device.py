"""On which device examples/tiny trains: its script with a command in humanverse's place that notes how it was called."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

TINY = Path(__file__).parents[2] / "examples" / "tiny"
TELLING = """#!{python}
import json, os, sys
with open({told!r}, "w") as file:
    json.dump([sys.argv[1:], os.environ.get("ACCELERATE_USE_CPU"), "PATH" in os.environ], file)
"""
Train = Callable[[str], Any]


@pytest.fixture
def train(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Train:
    """Trains stage 1 on a device; what the command was told."""
    told, command = tmp_path / "told.json", tmp_path / "humanverse"
    command.write_text(TELLING.format(python=sys.executable, told=str(told)))
    command.chmod(0o755)
    monkeypatch.syspath_prepend(str(TINY))
    monkeypatch.delenv("ACCELERATE_USE_CPU", raising=False)
    run = importlib.import_module("run")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))

    def called(device: str) -> Any:
        run.train("structure", tmp_path, run.SIZES["small"], device)
        return json.loads(told.read_text())

    return called


def test_cpu_is_the_cpu_also_where_there_is_a_gpu(train: Train) -> None:
    words, on_cpu, whole = train("cpu")
    assert words[:2] == ["train", "structure"]
    assert (on_cpu, whole) == ("true", True)


def test_a_gpu_keeps_the_precision_of_its_settings(train: Train) -> None:
    words, on_cpu, _ = train("cuda")
    assert on_cpu is None and "precision=no" not in words

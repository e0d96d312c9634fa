"""What can be known to be wrong with ``train`` is told before PyTorch is imported."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from humanverse.training.settings import load
from tests.datasets import make_dataset

_PROGRAM = """
import sys
from pathlib import Path
from humanverse.errors import UserError
from pipelines.train import train
data, begun, new = sys.argv[1:]
SCRATCH = ["model.unet=tiny", "model.vae=patch", "model.text=untrained"]
for given in (
    ("structure", data, new, None, ["optimizer.lr=1"]),
    ("refiner", data, new, None, ["model.text=minilm"]),
    ("structure", new, new),
    ("structure", data, new, None, [*SCRATCH, "model.preset=papr"]),
    ("refiner", data, new, None, [*SCRATCH, "model.preset=rgb"]),
    ("structure", data, new, None, [*SCRATCH, "model.unet=tinny"]),
    ("structure", data, new, None, [*SCRATCH, "model.vae=pach"]),
    ("structure", data, new, None, [*SCRATCH, "model.text=minlm"]),
    ("structure", data, new, None, [*SCRATCH, "data.view=nope"]),
    ("structure", data, new, None, [*SCRATCH, "validation.view=none"]),
    ("structure", data, new),
    ("refiner", data, begun),
    ("structure", data, begun, None, ["seed=5"]),
):
    stage, url, out, *more = given
    try:
        train(stage, url, Path(out), *more)
    except UserError as error:
        print(error)
print(train("structure", data, Path(begun), None, ["samples=4"]))
print("torch" in sys.modules)
"""


def test_it_is_told_without_torch(tmp_path: Path) -> None:
    people = make_dataset(tmp_path / "people", 1, 2).url
    begun = tmp_path / "begun"
    (begun / "checkpoints/000000000004").mkdir(parents=True)
    (begun / "settings.json").write_text(json.dumps({"stage": "structure", **load().decisive(), "precision": "no"}))
    (begun / "checkpoints/000000000004/state.json").write_text(
        '{"progress": {"samples": 4, "steps": 1, "skipped_steps": 0}}'
    )
    (begun / "pipeline").mkdir()
    words = [sys.executable, "-c", _PROGRAM, people, str(begun), str(tmp_path / "new")]
    done = subprocess.run(words, capture_output=True, text=True)
    *lines, ended, torch = done.stdout.splitlines()
    assert torch == "False" and not (tmp_path / "new").exists(), done
    assert "samples=4, steps=1" in ended and "before=True" in ended
    expected = (
        "did you mean optimiser",
        "is for stage 1",
        "is not a dataset",
        "model.preset papr: choose from paper, rgb",
        "model.preset rgb: choose from paper, no_dropout",
        "model.unet tinny: choose from",
        "pach holds no model",
        "minlm holds no text encoder",
        "no view nope in",
        "no view none in",
        "there is no vae",
        "is a run of stage 1",
        "begun with seed 0",
    )
    assert len(lines) == len(expected) and all(part in line for part, line in zip(expected, lines, strict=True)), lines

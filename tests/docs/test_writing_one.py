"""The estimator that docs/estimators/README.md prints runs as printed."""

from __future__ import annotations

import importlib
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from typer.testing import CliRunner

from humanverse.codec.maps import decode_depth
from humanverse.dataset.reader import Dataset
from humanverse.dataset.verify import verify
from pipelines.cli import app
from tests.datasets import make_dataset

PAGE = Path(__file__).parents[2] / "docs" / "estimators" / "README.md"
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Random weights of the printed network; its module can be imported."""
    (tmp_path / "mine.py").write_text(BLOCKS[0], encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "mine", raising=False)
    importlib.invalidate_caches()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        save_file(importlib.import_module("mine").MyNetwork().state_dict(), tmp_path / "model.safetensors")
    yield tmp_path / "model.safetensors"
    sys.modules.pop("mine", None)


def test_it_annotates(weights: Path, tmp_path: Path) -> None:
    make_dataset(tmp_path / "people", shards=2, per_shard=3)
    words = ["annotate", str(tmp_path / "people"), "depth=mine:MyDepth", "--weights", f"depth={weights}", "--local"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0 and "depth/mine: 6 ok, 0 failed" in done.output
    dataset = Dataset(str(tmp_path / "people"))
    assert verify(dataset).sound
    row = dataset.layer("depth/mine", 0).to_pylist()[0]
    png = dataset.map_png("depth/mine", 0, row)
    assert png is not None and np.isfinite(decode_depth(png, row["scale"], row["offset"])).any()
    assert (row["map_width"], row["map_height"], row["depth_kind"]) == (32, 24, "relative")


def test_its_card_is_told(weights: Path) -> None:
    (card,) = json.loads(CliRunner().invoke(app, ["annotators", "depth=mine:MyDepth", "--json"]).output)
    assert card["name"] == "mine" and card["settings"]["map_side"] == 512


def test_torchvision_is_made_ready_as_printed() -> None:
    exec(compile(BLOCKS[1], str(PAGE), "exec"), {})
    assert importlib.import_module("torchvision").transforms is not None

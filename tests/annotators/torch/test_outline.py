"""Which sets of weights a checkpoint holds is seen without torch, and without running anything."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from annotators.torch.outline import sets_told
from tests.annotators.torch.checkpoints import attacks, weights_of_a_layer

ONE, OTHER = weights_of_a_layer(), {"weight": torch.zeros(1)}


def saved(path: Path, found: object) -> Path:
    torch.save(found, path)
    return path


def test_several_sets_are_told(tmp_path: Path) -> None:
    beside = {"args": argparse.Namespace(lr=0.1), "best": np.float64(0.5), "history": np.arange(3), "seen": {1, 2}}
    path = saved(tmp_path / "nested.pt", {"ema": {"module": OTHER}, "model": ONE, "epoch": 3, **beside})
    told = sets_told(path)
    assert told is not None and told.startswith(
        f"{path}: the weights under model are taken; there are others under ema.module: humanverse models convert {path}"
    )


@pytest.mark.parametrize("found", [ONE, {"state_dict": ONE, "epoch": 3}, {"epoch": 3}, {"left": ONE, "right": OTHER}])
def test_of_one_set_or_none_that_can_be_chosen_nothing_is_told(tmp_path: Path, found: object) -> None:
    assert sets_told(saved(tmp_path / "a.pt", found)) is None


def test_what_is_no_checkpoint_is_told_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "a.pt").write_bytes(b"no checkpoint")
    assert sets_told(tmp_path / "a.pt") is None
    assert sets_told(tmp_path / "none.pt") is None


@pytest.mark.parametrize("name", sorted(attacks("")))
def test_no_code_is_run(tmp_path: Path, name: str) -> None:
    trace = tmp_path / "trace"
    path = saved(tmp_path / "a.pt", {"model": ONE, "ema": OTHER, "extra": attacks(str(trace))[name]})
    sets_told(path)
    assert [file.name for file in tmp_path.iterdir()] == ["a.pt"]


def test_torch_is_not_imported(tmp_path: Path) -> None:
    path = saved(tmp_path / "nested.pt", {"ema": {"module": OTHER}, "model": ONE})
    program = (
        "import sys\nfrom pathlib import Path\nfrom annotators.torch.outline import sets_told\n"
        f"print(sets_told(Path({str(path)!r})), 'torch' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert "are taken" in told and told.endswith("False\n")

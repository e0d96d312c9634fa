"""Settings of runs that take seconds."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from humanverse.training.run import Outcome, run
from humanverse.training.settings import TrainSettings

UNET: dict[str, Any] = {
    "down_block_types": ["CrossAttnDownBlock2D", "DownBlock2D"],
    "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D"],
    "block_out_channels": [16, 16],
    "layers_per_block": 1,
    "attention_head_dim": 4,
    "norm_num_groups": 4,
    "sample_size": 8,
    "mid_block_type": None,
}
SETTINGS: dict[str, Any] = {
    "data": {"buckets": [16], "threads": 1},
    "model": {
        "preset": "rgb_depth",
        "unet": UNET,
        "vae": "patch:2",
        "text": "untrained:16",
        "statistics_samples": 4,
    },
    "optimiser": {"lr": 4e-3},
    "ema": {"half_life": 20},
    "log": {"every": 4},
    "checkpoint": {"every": 4},
    "validation": {"every": 0},
    "precision": "no",
    "batch": 4,
    "micro_batch": 2,
    "samples": 12,
}
"""Of stage 1, on ``make_dataset``."""


def settings(**changes: Any) -> TrainSettings:
    """``SETTINGS`` with changes; ``section__name=value`` for one in a section."""
    given = copy.deepcopy(SETTINGS)
    for name, value in changes.items():
        section, _, inner = name.partition("__")
        if inner:
            given.setdefault(section, {})[inner] = value
        else:
            given[name] = value
    return TrainSettings.model_validate(given)


def trained(url: str, out: Path, stage: str = "structure", **changes: Any) -> Outcome:
    return run(stage, url, out, settings(**changes))


def tensors(checkpoint: Path) -> dict[str, torch.Tensor]:
    """All weights in a checkpoint, averaged and the optimiser's too."""
    found = {}
    for path in sorted(checkpoint.rglob("*.safetensors")):
        for name, value in load_file(path).items():
            found[f"{path.relative_to(checkpoint)}/{name}"] = value
    held = torch.load(checkpoint / "optimiser.pt", weights_only=True)
    for number, state in held["state"].items():
        found |= {f"optimiser/{number}/{name}": value for name, value in state.items()}
    return found


def assert_equal(one: Path, other: Path) -> None:
    """Two checkpoints have the same weights, every bit."""
    first, second = tensors(one), tensors(other)
    assert first.keys() == second.keys() and len(first) > 100
    different = [name for name, value in first.items() if not torch.equal(value, second[name])]
    assert different == []

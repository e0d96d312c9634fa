"""Tiny top-down models of MMPose: configs that build on the real ones, with few channels, and random weights for them."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from annotators.mmpose.configs import DEFAULT, find
from annotators.pose.mmpose_topdown import MMPoseTopdown
from annotators.weights import standing_in

needs_mmpose = pytest.mark.skipif(importlib.util.find_spec("mmpose") is None, reason="mmpose is not installed")

HRNET = "td-hm_hrnet-w32_8xb64-210e_coco-256x192"
"""17 points, by heatmaps."""
RTMPOSE = "rtmpose-m_8xb64-270e_coco-wholebody-256x192"
"""133 points, by two vectors for each."""
VITPOSE = DEFAULT

CHANGES: dict[str, dict[str, Any]] = {
    VITPOSE: {
        "backbone": {"width": 32, "blocks": 2, "heads": 4},
        "head": {"in_channels": 32, "deconv_out_channels": (16, 16)},
    },
    HRNET: {
        "backbone": {
            "extra": {
                "stage1": {"num_blocks": (1,), "num_channels": (8,)},
                "stage2": {"num_blocks": (1, 1), "num_channels": (4, 8)},
                "stage3": {"num_modules": 1, "num_blocks": (1, 1, 1), "num_channels": (4, 8, 16)},
                "stage4": {"num_modules": 1, "num_blocks": (1, 1, 1, 1), "num_channels": (4, 8, 16, 32)},
            }
        },
        "head": {"in_channels": 4},
    },
    RTMPOSE: {
        "backbone": {"deepen_factor": 0.1, "widen_factor": 0.0625},
        "head": {"in_channels": 64, "gau_cfg": {"hidden_dims": 32, "s": 16}},
    },
}
"""Name of a config -> what makes its model small."""


def config(folder: Path, name: str, more: str = "") -> Path:
    """The tiny version of a config, as a file of its own; ``more`` is Python that goes on with it."""
    path = folder / f"tiny-{name}.py"
    path.write_text(f"_base_ = [{str(find(name).path)!r}]\nmodel = {CHANGES[name]!r}\n{more}\n")
    return path


def weights(path: Path, config: Path | str) -> Path:
    """Random weights for a config's model, as MMPose's own checkpoints hold theirs; the same each time."""
    import torch

    from annotators.mmpose.estimator import build

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        model = build(find(str(config))).model
    torch.save({"meta": {"epoch": 210}, "state_dict": model.state_dict()}, path)
    return path


def vitpose(path: Path, points: int = 133) -> Path:
    """Random weights for the tiny version of ``VITPOSE``, under the names of ViTPose's authors."""
    import torch

    network = vitpose_network(points)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        for parameter in network.parameters():
            torch.nn.init.normal_(parameter, std=0.15)
        torch.nn.init.normal_(network.backbone.pos_embed)
    torch.save({"state_dict": network.state_dict()}, path)
    return path


def vitpose_network(points: int = 133) -> Any:
    """Our own network of the sizes of the tiny version of ``VITPOSE``."""
    from annotators.networks.vitpose import Shape, ViTPose

    return ViTPose(Shape(width=32, blocks=2, heads=4, decoder=16, points=points))


def loaded(path: Path | str, held: Path, **settings: Any) -> MMPoseTopdown:
    """The annotator with a config, by path or name, and its weights; loaded."""
    instead = standing_in(MMPoseTopdown.card.weights, held)
    made = MMPoseTopdown(MMPoseTopdown.Settings(config=str(path), **settings), weights=instead)
    made.load()
    return made

"""Tiny pose networks with random weights, of the same classes as the real ones, saved as their owners save theirs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from humanverse.torchvision_operators import prepare_torchvision
from schemas.skeletons import WHOLEBODY
from tests.annotators.tiny import saved

prepare_torchvision()


def vitpose(folder: Path, labels: int = 17, experts: int = 1, simple: bool = True, **backbone: Any) -> Path:
    """ViTPose with two blocks of 32 for crops of 48 x 64; ``backbone`` are other settings of its blocks."""
    from transformers import VitPoseBackboneConfig, VitPoseConfig, VitPoseForPoseEstimation, VitPoseImageProcessorPil

    sizes: Any = {
        "image_size": [64, 48],
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
    }
    backbone = {"num_experts": experts, "part_features": 8, "out_indices": [2], "initializer_range": 0.3, **backbone}
    whole: Any = {"num_labels": labels, "use_simple_decoder": simple, "initializer_range": 0.3}
    config: Any = VitPoseConfig(backbone_config=VitPoseBackboneConfig(**{**sizes, **backbone}), **whole)
    height, width = config.backbone_config.image_size
    processor = VitPoseImageProcessorPil(size={"height": height, "width": width})
    return saved(folder, lambda: VitPoseForPoseEstimation(config), processor)


def sapiens2(folder: Path, labels: int = 308, **others: Any) -> Path:
    """Sapiens2 with two blocks of 32 for crops of 48 x 64; ``others`` of its settings instead."""
    from transformers import Sapiens2Config, Sapiens2ForPoseEstimation, Sapiens2ImageProcessor

    sizes: Any = {
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "image_size": [64, 48],
        "head_config": {"upsample_out_channels": [16, 16], "conv_out_channels": [16]},
        "num_labels": labels,
        "initializer_range": 0.3,
    }
    config: Any = Sapiens2Config(**{**sizes, **others})
    height, width = config.image_size
    processor = Sapiens2ImageProcessor(size={"height": height, "width": width})
    return saved(folder, lambda: Sapiens2ForPoseEstimation(config), processor)


def simcc(
    path: Path,
    size: tuple[int, int] = (48, 64),
    batch: int | str = "batch",
    points: int = len(WHOLEBODY),
    split: int = 2,
    half: bool = False,
    sides: bool = True,
) -> Path:
    """An ONNX file that says of each point how bright the columns and the rows of a picture are, each point seeing another
    mixture of the three colours: means over the other axis, and each of them ``split`` times.

    Args:
        path: of the file.
        size: (width, height) of the pictures.
        batch: that the file is fixed to, or a name where it is not.
        points: how many.
        split: bins for each pixel.
        half: whether it computes in 16 bits.
        sides: whether it says how large its pictures are.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    width, height = size
    kind, number = (TensorProto.FLOAT16, np.float16) if half else (TensorProto.FLOAT, np.float32)
    mixture = np.random.default_rng(7).uniform(0.05, 0.15, (points, 3, 1, 1)).astype(number)
    shown = [batch, 3, height, width] if sides else [batch, 3, "height", "width"]
    nodes = [
        helper.make_node("Conv", ["input", "mixture", "always"], ["mixed"]),
        *_bins("mixed", "simcc_x", axis=2),
        *_bins("mixed", "simcc_y", axis=3),
    ]
    constants = {
        "mixture": mixture,
        "always": np.ones(points, number),
        "simcc_x_repeats": np.array([1, 1, 1, split]),
        "simcc_y_repeats": np.array([1, 1, 1, split]),
        "simcc_x_shape": np.array([0, 0, split * width]),
        "simcc_y_shape": np.array([0, 0, split * height]),
    }
    graph = helper.make_graph(
        nodes,
        "simcc",
        [helper.make_tensor_value_info("input", kind, shown)],
        [helper.make_tensor_value_info(name, kind, [batch, points, None]) for name in ("simcc_x", "simcc_y")],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def _bins(mixed: str, name: str, axis: int) -> list[Any]:
    """Nodes: the mean over ``axis``, each value repeated."""
    from onnx import helper

    parts = [f"{name}_{part}" for part in ("mean", "column", "tiled")]
    return [
        helper.make_node("Constant", [], [f"{name}_last"], value_ints=[3]),
        helper.make_node("ReduceMean", [mixed], [parts[0]], axes=[axis], keepdims=0),
        helper.make_node("Unsqueeze", [parts[0], f"{name}_last"], [parts[1]]),
        helper.make_node("Tile", [parts[1], f"{name}_repeats"], [parts[2]]),
        helper.make_node("Reshape", [parts[2], f"{name}_shape"], [name]),
    ]

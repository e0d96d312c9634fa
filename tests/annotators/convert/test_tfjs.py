"""The converter against NumPy, on a graph model written here."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from annotators.convert import tfjs
from annotators.convert.graph import UnsupportedGraph, to_onnx
from annotators.engines import onnx_session

RNG = np.random.default_rng(3)
KERNEL = RNG.normal(size=(3, 3, 3, 4)).astype(np.float16)
BIAS = RNG.normal(size=4).astype(np.float16)
DEPTHWISE = RNG.normal(size=(3, 3, 4, 1)).astype(np.float16)


def said(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def convolution(operation: str, name: str, inputs: list[str], stride: int, fused: list[str]) -> dict[str, Any]:
    attributes: dict[str, Any] = {
        "strides": {"list": {"i": ["1", str(stride), str(stride), "1"]}},
        "dilations": {"list": {"i": ["1", "1", "1", "1"]}},
        "padding": {"s": said("SAME")},
        "fused_ops": {"list": {"s": [said(name) for name in fused]}},
    }
    return {"name": name, "op": operation, "input": inputs, "attr": attributes}


def write_model(folder: Path, last: str = "AddV2") -> tuple[Path, Path]:
    nodes = [
        {"name": "image", "op": "Placeholder"},
        convolution("_FusedConv2D", "conv", ["image", "kernel", "bias"], 2, ["BiasAdd", "Relu6"]),
        convolution("DepthwiseConv2dNative", "deep", ["conv", "depthwise"], 1, []),
        {
            "name": "grown",
            "op": "ResizeBilinear",
            "input": ["deep", "size"],
            "attr": {"half_pixel_centers": {"b": True}},
        },
        {"name": "sum", "op": last, "input": ["grown", "grown"], "attr": {}},
    ]
    half = {"dtype": "float16", "original_dtype": "float32"}
    tensors = {"kernel": KERNEL, "bias": BIAS, "depthwise": DEPTHWISE}
    entries: list[dict[str, Any]] = [
        {"name": name, "shape": list(values.shape), "dtype": "float32", "quantization": half}
        for name, values in tensors.items()
    ]
    entries.append({"name": "size", "shape": [2], "dtype": "int32"})
    blob = b"".join(values.tobytes() for values in tensors.values()) + np.array([8, 8], "<i4").tobytes()
    topology, weights = folder / "model.json", folder / "model.bin"
    manifest = [{"paths": ["model.bin"], "weights": entries}]
    topology.write_text(json.dumps({"modelTopology": {"node": nodes}, "weightsManifest": manifest}))
    weights.write_bytes(blob)
    return topology, weights


def same_windows(image: np.ndarray, stride: int) -> np.ndarray:
    """(rows, columns, 3, 3, channels): what a 3 x 3 kernel sees with TensorFlow's SAME padding of an even side."""
    before, after = (1, 1) if stride == 1 else (0, 1)
    padded = np.pad(image, ((before, after), (before, after), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(0, 1))
    return windows[::stride, ::stride].transpose(0, 1, 3, 4, 2)


def expected(image: np.ndarray) -> np.ndarray:
    """The model in NumPy: (8, 8, 3) to (8, 8, 4)."""
    conv = np.einsum("rcyxi,yxio->rco", same_windows(image, 2), KERNEL.astype(float)) + BIAS
    deep = np.einsum("rcyxi,yxi->rci", same_windows(np.clip(conv, 0, 6), 1), DEPTHWISE[..., 0].astype(float))
    place = np.clip((np.arange(8) + 0.5) / 2 - 0.5, 0, 3)
    low, share = np.minimum(place.astype(int), 2), place - np.minimum(place.astype(int), 2)
    rows = deep[low] * (1 - share)[:, None, None] + deep[low + 1] * share[:, None, None]
    return 2 * (rows[:, low] * (1 - share)[None, :, None] + rows[:, low + 1] * share[None, :, None])


def test_the_converted_model_computes_the_same(tmp_path: Path) -> None:
    made = to_onnx(tfjs.read(*write_model(tmp_path)), "image", 8, {"result": "sum"})
    path = tmp_path / "model.onnx"
    path.write_bytes(made)
    images = RNG.normal(size=(2, 8, 8, 3)).astype(np.float32)
    (found,) = onnx_session(path).run(["result"], {"image": images.transpose(0, 3, 1, 2)})
    for image, answer in zip(images, found, strict=True):
        np.testing.assert_allclose(answer.transpose(1, 2, 0), expected(image), rtol=1e-4, atol=1e-4)


def test_the_bytes_are_the_same_every_time(tmp_path: Path) -> None:
    files = write_model(tmp_path)
    made = [to_onnx(tfjs.read(*files), "image", 8, {"result": "sum"}) for _ in range(2)]
    assert made[0] == made[1]


def test_an_unknown_operation_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedGraph, match="no translation of Softmax"):
        to_onnx(tfjs.read(*write_model(tmp_path, "Softmax")), "image", 8, {"result": "sum"})


def test_weights_that_do_not_fit_their_manifest_are_refused(tmp_path: Path) -> None:
    topology, weights = write_model(tmp_path)
    weights.write_bytes(weights.read_bytes() + b"more")
    with pytest.raises(UnsupportedGraph, match="manifest names"):
        tfjs.read(topology, weights)

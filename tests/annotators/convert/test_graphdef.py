"""Frozen graphs read from bytes that are written here, by the protobuf wire format."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from annotators.convert import graphdef
from annotators.convert.graph import UnsupportedGraph, to_onnx
from annotators.engines import onnx_session

GAMMA, VARIANCE, MEAN, BETA = (np.array(values, np.float32) for values in ([2, 3], [4, 9], [1, -1], [0.5, 0]))
KERNEL = np.arange(12, dtype=np.float32).reshape(1, 1, 6, 2) / 10


def varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def field(number: int, payload: bytes | str | int) -> bytes:
    """One protobuf field: an integer as a varint, anything else with its length."""
    if isinstance(payload, int):
        return varint(number << 3) + varint(payload)
    data = payload.encode() if isinstance(payload, str) else payload
    return varint(number << 3 | 2) + varint(len(data)) + data


def attribute(key: str, value: bytes) -> bytes:
    return field(5, field(1, key) + field(2, value))


def node(name: str, operation: str, inputs: list[str], *attributes: bytes) -> bytes:
    listed = b"".join(field(3, source) for source in inputs)
    return field(1, field(1, name) + field(2, operation) + listed + b"".join(attributes))


def constant(name: str, values: np.ndarray, repeated: bool = False) -> bytes:
    """A Const node, with its values as bytes or, for ``repeated``, one value that stands for all."""
    shape = b"".join(field(2, field(1, side)) for side in values.shape)
    stored = varint(5 << 3 | 5) + struct.pack("<f", values.flat[0]) if repeated else field(4, values.tobytes())
    tensor = field(1, 1) + field(2, shape) + stored
    return node(name, "Const", [], attribute("value", field(8, tensor)))


def write_graph(path: Path, kernel: str = "kernel") -> Path:
    """A 1 x 1 convolution of stride 2, batch normalisation as a training graph spells it, and Relu6."""
    ones = b"".join(field(3, step) for step in (1, 2, 2, 1))
    dilations = b"".join(field(3, 1) for _ in range(4))
    convolution = node(
        "conv", "Conv2D", ["image", "kernel/read"],
        attribute("strides", field(1, ones)), attribute("dilations", field(1, dilations)), attribute("padding", field(2, "SAME")),
    )  # fmt: skip
    path.write_bytes(
        node("image", "Placeholder", [])
        + constant("kernel", KERNEL)
        + node("kernel/read", "Identity", [kernel])
        + constant("gamma", GAMMA)
        + constant("variance", VARIANCE)
        + constant("mean", MEAN)
        + constant("beta", BETA)
        + constant("same", np.full(2, 0.25, np.float32), repeated=True)
        + convolution
        + node("rsqrt", "Rsqrt", ["variance"])
        + node("scale", "Mul", ["rsqrt", "gamma"])
        + node("scaled_mean", "Mul", ["mean", "scale"])
        + node("shift", "Sub", ["beta", "scaled_mean"])
        + node("scaled", "Mul", ["conv", "scale"])
        + node("normal", "Add", ["scaled", "shift"])
        + node("biased", "BiasAdd", ["normal", "same"])
        + node("relu", "Relu6", ["biased"])
    )
    return path


def test_constants_and_nodes_are_read(tmp_path: Path) -> None:
    model = graphdef.read(write_graph(tmp_path / "graph.pb"))
    np.testing.assert_array_equal(model.constants["kernel"], KERNEL)
    np.testing.assert_array_equal(model.constants["same"], [0.25, 0.25])
    assert model.nodes["conv"]["attr"]["strides"]["list"]["i"] == ["1", "2", "2", "1"]
    folded = model.folded("shift")
    assert folded is not None and model.folded("conv") is None
    np.testing.assert_allclose(folded, BETA - MEAN * GAMMA / np.sqrt(VARIANCE))


def test_the_converted_graph_computes_the_same(tmp_path: Path) -> None:
    made = tmp_path / "graph.onnx"
    made.write_bytes(
        to_onnx(graphdef.read(write_graph(tmp_path / "graph.pb")), "image", 4, {"out": "relu"}, channels=6)
    )
    image = np.random.default_rng(5).normal(size=(1, 4, 4, 6)).astype(np.float32)
    (found,) = onnx_session(made).run(["out"], {"image": image.transpose(0, 3, 1, 2)})
    conv = image[0, ::2, ::2] @ KERNEL[0, 0]
    expected = np.clip((conv - MEAN) / np.sqrt(VARIANCE) * GAMMA + BETA + 0.25, 0, 6)
    np.testing.assert_allclose(found[0].transpose(1, 2, 0), expected, rtol=1e-5, atol=1e-6)


def test_what_is_no_graph_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "graph.pb"
    path.write_bytes(b"\xff\xff\xff not a graph")
    with pytest.raises(UnsupportedGraph, match="not a frozen TensorFlow graph"):
        graphdef.read(path)


def test_a_kernel_that_is_no_constant_is_refused(tmp_path: Path) -> None:
    model = graphdef.read(write_graph(tmp_path / "graph.pb", kernel="image"))
    with pytest.raises(UnsupportedGraph, match="kernel/read is not a constant"):
        to_onnx(model, "image", 4, {"out": "relu"}, channels=6)

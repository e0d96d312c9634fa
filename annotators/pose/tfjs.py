"""TensorFlow.js graph models turned into ONNX: the convolutional part, between an inner tensor and named outputs.

A graph model is a JSON file (a TensorFlow GraphDef spelled in JSON, and a manifest of the weights) and a binary file that
holds the weights one after the other, float32 ones often quantised to float16
(https://github.com/tensorflow/tfjs/blob/master/docs/WEIGHTS_BIN.md). What comes out depends on nothing but these two files,
the names asked for, and the version of the ``onnx`` package.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

_DTYPES = {"float32": "<f4", "float16": "<f2", "int32": "<i4"}
_OPSET = 17
_IR_VERSION = 8


class UnsupportedGraph(ValueError):
    """The graph holds something that this converter does not know."""


@dataclass(frozen=True)
class GraphModel:
    """A graph model as read.

    Attributes:
        nodes: the GraphDef's nodes by name.
        constants: the weights by name, in TensorFlow's layout.
    """

    nodes: Mapping[str, Mapping[str, Any]]
    constants: Mapping[str, np.ndarray]


def read(topology: Path, weights: Path) -> GraphModel:
    """Reads a graph model from its JSON and its one binary file."""
    description = json.loads(topology.read_bytes())
    nodes = {node["name"]: node for node in description["modelTopology"]["node"]}
    entries = [entry for group in description["weightsManifest"] for entry in group["weights"]]
    return GraphModel(nodes, _constants(entries, weights.read_bytes()))


def _constants(entries: list[dict[str, Any]], blob: bytes) -> dict[str, np.ndarray]:
    constants, offset = {}, 0
    for entry in entries:
        stored = np.dtype(_DTYPES[entry.get("quantization", entry)["dtype"]])
        count = int(np.prod(entry["shape"], dtype=np.int64))
        values = np.frombuffer(blob, stored, count, offset).reshape(entry["shape"])
        constants[entry["name"]] = values.astype(_DTYPES[entry["dtype"]])
        offset += count * stored.itemsize
    if offset != len(blob):
        raise UnsupportedGraph(f"the manifest names {offset} bytes of weights, the file has {len(blob)}")
    return constants


def to_onnx(model: GraphModel, start: str, side: int, outputs: Mapping[str, str]) -> bytes:
    """The ONNX model that computes ``outputs`` from the tensor ``start``.

    Args:
        model: the graph model.
        start: the node whose output becomes the model's input ``image``, float32 (n, 3, side, side).
        side: height and width of the input, in pixels.
        outputs: name of the ONNX output -> the graph's node; each is float32 (n, channels, height, width).

    Returns:
        The serialised ONNX model, opset 17.

    Raises:
        UnsupportedGraph: if a node on the way is of an unknown operation.
    """
    from onnx import TensorProto, checker, helper

    build = _Build(model, {start: "image"})
    results = {name: build.tensor(node) for name, node in outputs.items()}
    nodes = [*build.nodes, *(helper.make_node("Identity", [tensor], [name]) for name, tensor in results.items())]
    shape: list[str | int | None] = ["n", 3, side, side]
    unknown: list[str | int | None] = ["n", None, None, None]
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, unknown) for name in results],
        build.initializers,
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR_VERSION)
    checker.check_model(made)
    return bytes(made.SerializeToString(deterministic=True))


@dataclass
class _Build:
    """The ONNX graph as it grows. ``tensors`` maps a TensorFlow node to the ONNX tensor of its output."""

    model: GraphModel
    tensors: dict[str, str]
    nodes: list[Any] = field(default_factory=list)
    initializers: list[Any] = field(default_factory=list)

    def tensor(self, name: str) -> str:
        """The ONNX tensor of a node's output; the node, and all that it needs, is translated on first use."""
        if name not in self.tensors:
            node = self.model.nodes[name]
            translate = _TRANSLATIONS.get(node["op"])
            if translate is None:
                raise UnsupportedGraph(f"no translation of {node['op']} ({name})")
            self.tensors[name] = translate(self, node)
        return self.tensors[name]

    def add(self, operation: str, inputs: list[str], **attributes: Any) -> str:
        from onnx import helper

        output = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(operation, inputs, [output], **attributes))
        return output

    def constant(self, values: np.ndarray) -> str:
        from onnx import numpy_helper

        name = f"c{len(self.initializers)}"
        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name


def _text(value: str) -> str:
    return base64.b64decode(value).decode()


def _numbers(node: Mapping[str, Any], attribute: str) -> list[int]:
    return [int(value) for value in node["attr"][attribute]["list"]["i"]]


def _convolution(to_oihw: tuple[int, int, int, int], depthwise: bool) -> Callable[[_Build, Mapping[str, Any]], str]:
    """A convolution with the bias and activation fused into it; ``to_oihw`` brings TensorFlow's kernel to ONNX's layout."""

    def translate(build: _Build, node: Mapping[str, Any]) -> str:
        source, kernel, *bias = node["input"]
        weights = build.model.constants[kernel].transpose(to_oihw)
        fused = [_text(name) for name in node["attr"].get("fused_ops", {}).get("list", {}).get("s", [])]
        inputs = [build.tensor(source), build.constant(weights)]
        inputs += [build.constant(build.model.constants[name]) for name in bias[: fused.count("BiasAdd")]]
        output = build.add(
            "Conv",
            inputs,
            strides=_numbers(node, "strides")[1:3],
            dilations=_numbers(node, "dilations")[1:3],
            auto_pad={"SAME": "SAME_UPPER", "VALID": "VALID"}[_text(node["attr"]["padding"]["s"])],
            group=len(weights) if depthwise else 1,
        )
        for name in fused:
            output = _ACTIVATIONS[name](build, output)
        return output

    return translate


def _relu6(build: _Build, tensor: str) -> str:
    return build.add("Clip", [tensor, build.constant(np.array(0, np.float32)), build.constant(np.array(6, np.float32))])


def _sum(build: _Build, node: Mapping[str, Any]) -> str:
    return build.add("Add", [build.tensor(name) for name in node["input"]])


def _bilinear(build: _Build, node: Mapping[str, Any]) -> str:
    if not node["attr"]["half_pixel_centers"]["b"]:
        raise UnsupportedGraph(f"{node['name']} resizes without half-pixel centres")
    source, size = node["input"]
    image = build.tensor(source)
    channels = build.add("Slice", [build.add("Shape", [image]), *_first_two(build)])
    sizes = build.add("Concat", [channels, build.constant(build.model.constants[size].astype(np.int64))], axis=0)
    mode = {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}
    return build.add("Resize", [image, "", "", sizes], **mode)


def _first_two(build: _Build) -> list[str]:
    return [build.constant(np.array([0], np.int64)), build.constant(np.array([2], np.int64))]


_ACTIVATIONS: dict[str, Callable[[_Build, str], str]] = {
    "BiasAdd": lambda build, tensor: tensor,
    "Relu": lambda build, tensor: build.add("Relu", [tensor]),
    "Relu6": _relu6,
}

_TRANSLATIONS: dict[str, Callable[[_Build, Mapping[str, Any]], str]] = {
    "_FusedConv2D": _convolution((3, 2, 0, 1), depthwise=False),
    "FusedDepthwiseConv2dNative": _convolution((2, 3, 0, 1), depthwise=True),
    "DepthwiseConv2dNative": _convolution((2, 3, 0, 1), depthwise=True),
    "AddV2": _sum,
    "ResizeBilinear": _bilinear,
}
"""TensorFlow operation -> how it is said in ONNX. Depth-wise kernels here have one output per input channel."""

"""The convolutional part of a TensorFlow graph, said in ONNX: what lies between an inner tensor and named outputs.

The graphs at hand end in decoders full of control flow that no other engine runs, while their networks are a handful of
operations. What comes out depends on nothing but the graph, the names asked for, and the version of the ``onnx`` package.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

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

    def folded(self, name: str) -> np.ndarray | None:
        """The value of a tensor that is computed from constants alone; None if it is not."""
        if name in self.constants:
            return self.constants[name]
        node = self.nodes[name]
        compute = _FOLDED.get(node["op"])
        if compute is None:
            return None
        inputs = []
        for source in node["input"]:
            value = self.folded(source)
            if value is None:
                return None
            inputs.append(value)
        return compute(*inputs)


def to_onnx(model: GraphModel, start: str, side: int, outputs: Mapping[str, str], channels: int = 3) -> bytes:
    """The ONNX model that computes ``outputs`` from the tensor ``start``.

    Args:
        model: the graph model.
        start: the node whose output becomes the model's input ``image``, float32 (n, channels, side, side).
        side: height and width of the input, in pixels.
        outputs: name of the ONNX output -> the graph's node; each is float32 (n, values, height, width).
        channels: of the input.

    Returns:
        The serialised ONNX model, opset 17.

    Raises:
        UnsupportedGraph: if a node on the way is of an unknown operation.
    """
    from onnx import TensorProto, checker, helper

    build = _Build(model, {start: "image"})
    results = {name: build.tensor(node) for name, node in outputs.items()}
    nodes = [*build.nodes, *(helper.make_node("Identity", [tensor], [name]) for name, tensor in results.items())]
    shape: list[str | int | None] = ["n", channels, side, side]
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

    def value(self, name: str) -> np.ndarray:
        """The value of a constant tensor."""
        value = self.model.folded(name)
        if value is None:
            raise UnsupportedGraph(f"{name} is not a constant")
        return value

    def operand(self, name: str) -> str:
        """The ONNX tensor of a node's output or, for a constant per channel, of the constant, shaped (channels, 1, 1)."""
        value = self.model.folded(name)
        return self.tensor(name) if value is None else self.constant(value.reshape(-1, 1, 1))

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
        weights = build.value(kernel).transpose(to_oihw)
        fused = [_text(name) for name in node["attr"].get("fused_ops", {}).get("list", {}).get("s", [])]
        inputs = [build.tensor(source), build.constant(weights)]
        inputs += [build.constant(build.value(name)) for name in bias[: fused.count("BiasAdd")]]
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


def _elementwise(operation: str) -> Callable[[_Build, Mapping[str, Any]], str]:
    """An operation on two tensors, one of which may be a constant per channel."""

    def translate(build: _Build, node: Mapping[str, Any]) -> str:
        return build.add(operation, [build.operand(name) for name in node["input"]])

    return translate


def _same(build: _Build, node: Mapping[str, Any]) -> str:
    return build.tensor(node["input"][0])


def _activation(name: str) -> Callable[[_Build, Mapping[str, Any]], str]:
    return lambda build, node: _ACTIVATIONS[name](build, build.tensor(node["input"][0]))


def _bilinear(build: _Build, node: Mapping[str, Any]) -> str:
    if not node["attr"]["half_pixel_centers"]["b"]:
        raise UnsupportedGraph(f"{node['name']} resizes without half-pixel centres")
    source, size = node["input"]
    image = build.tensor(source)
    channels = build.add("Slice", [build.add("Shape", [image]), *_first_two(build)])
    sizes = build.add("Concat", [channels, build.constant(build.value(size).astype(np.int64))], axis=0)
    mode = {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}
    return build.add("Resize", [image, "", "", sizes], **mode)


def _first_two(build: _Build) -> list[str]:
    return [build.constant(np.array([0], np.int64)), build.constant(np.array([2], np.int64))]


_ACTIVATIONS: dict[str, Callable[[_Build, str], str]] = {
    "BiasAdd": lambda build, tensor: tensor,
    "Relu": lambda build, tensor: build.add("Relu", [tensor]),
    "Relu6": _relu6,
}

_FOLDED: dict[str, Callable[..., np.ndarray]] = {
    "Identity": lambda value: value,
    "Add": np.add,
    "Sub": np.subtract,
    "Mul": np.multiply,
    "Rsqrt": lambda value: 1 / np.sqrt(value),
}
"""Operations that are done here where all their inputs are constants: batch normalisation is written with them."""

_TRANSLATIONS: dict[str, Callable[[_Build, Mapping[str, Any]], str]] = {
    "Conv2D": _convolution((3, 2, 0, 1), depthwise=False),
    "_FusedConv2D": _convolution((3, 2, 0, 1), depthwise=False),
    "DepthwiseConv2dNative": _convolution((2, 3, 0, 1), depthwise=True),
    "FusedDepthwiseConv2dNative": _convolution((2, 3, 0, 1), depthwise=True),
    "Add": _elementwise("Add"),
    "AddV2": _elementwise("Add"),
    "BiasAdd": _elementwise("Add"),
    "Mul": _elementwise("Mul"),
    "Identity": _same,
    "Relu": _activation("Relu"),
    "Relu6": _activation("Relu6"),
    "ResizeBilinear": _bilinear,
}
"""TensorFlow operation -> how it is said in ONNX. Depth-wise kernels here have one output per input channel."""

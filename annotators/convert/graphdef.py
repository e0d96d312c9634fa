"""Frozen TensorFlow graphs (``frozen_inference_graph.pb``) read without TensorFlow.

The messages are those of ``tensorflow/core/framework/{graph,node_def,attr_value,tensor,tensor_shape}.proto``, cut down to the
fields that a graph for inference uses; protobuf skips the others.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from annotators.convert.graph import GraphModel, UnsupportedGraph

_DTYPES = {1: "<f4", 3: "<i4", 9: "<i8"}
"""``DataType`` of tensorflow/core/framework/types.proto -> NumPy."""

_MESSAGES: dict[str, tuple[tuple[str, int, str], ...]] = {
    "Dim": (("size", 1, "int64"),),
    "Shape": (("dim", 2, "Dim*"),),
    "Tensor": (
        ("dtype", 1, "int32"),
        ("tensor_shape", 2, "Shape"),
        ("tensor_content", 4, "bytes"),
        ("float_val", 5, "float*"),
        ("int_val", 7, "int32*"),
        ("int64_val", 10, "int64*"),
    ),
    "ListValue": (("s", 2, "bytes*"), ("i", 3, "int64*"), ("f", 4, "float*")),
    "Attribute": (
        ("list", 1, "ListValue"),
        ("s", 2, "bytes"),
        ("i", 3, "int64"),
        ("f", 4, "float"),
        ("b", 5, "bool"),
        ("tensor", 8, "Tensor"),
    ),
    "Entry": (("key", 1, "string"), ("value", 2, "Attribute")),
    "Node": (("name", 1, "string"), ("op", 2, "string"), ("input", 3, "string*"), ("attr", 5, "Entry*")),
    "Graph": (("node", 1, "Node*"),),
}
"""Message -> its fields: name, number, type; a star marks a repeated one."""


@cache
def _graph_message() -> Any:
    """The protobuf class of a whole graph."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    field_type = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="graphdef.proto", package="graphdef", syntax="proto3")
    for message, fields in _MESSAGES.items():
        described = file.message_type.add(name=message)
        for name, number, kind in fields:
            added = described.field.add(name=name, number=number, label=3 if kind.endswith("*") else 1)
            plain = kind.rstrip("*")
            if plain in _MESSAGES:
                added.type, added.type_name = field_type.TYPE_MESSAGE, f".graphdef.{plain}"
            else:
                added.type = field_type.Type.Value(f"TYPE_{plain.upper()}")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("graphdef.Graph"))


def read(path: Path) -> GraphModel:
    """Reads a frozen graph.

    Raises:
        UnsupportedGraph: if the file is no such graph, or a constant is of an unknown type.
    """
    from google.protobuf import json_format, message

    try:
        graph = _graph_message().FromString(path.read_bytes())
    except message.DecodeError as error:
        raise UnsupportedGraph(f"{path.name} is not a frozen TensorFlow graph") from error
    constants = {
        node.name: _values(node.name, entry.value.tensor)
        for node in graph.node
        if node.op == "Const"
        for entry in node.attr
        if entry.key == "value" and entry.value.tensor.dtype in _DTYPES
    }
    nodes = {
        node.name: {
            "name": node.name,
            "op": node.op,
            "input": list(node.input),
            "attr": {entry.key: json_format.MessageToDict(entry.value) for entry in node.attr},
        }
        for node in graph.node
        if node.op != "Const"
    }
    return GraphModel(nodes, constants)


def _values(name: str, tensor: Any) -> np.ndarray:
    shape = [dim.size for dim in tensor.tensor_shape.dim]
    dtype = np.dtype(_DTYPES[tensor.dtype])
    if tensor.tensor_content:
        return np.frombuffer(tensor.tensor_content, dtype).reshape(shape)
    listed = {"f4": tensor.float_val, "i4": tensor.int_val, "i8": tensor.int64_val}[dtype.str[1:]]
    values = np.array(listed, dtype)
    count = int(np.prod(shape, dtype=np.int64))
    if len(values) not in (1, count):
        raise UnsupportedGraph(f"{name} has {len(values)} values for the shape {shape}")
    return np.broadcast_to(values, count).reshape(shape) if len(values) == 1 else values.reshape(shape)

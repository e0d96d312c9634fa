"""TensorFlow.js graph models, read.

A graph model is a JSON file (a TensorFlow GraphDef spelled in JSON, and a manifest of the weights) and a binary file that
holds the weights one after the other, float32 ones often quantised to float16
(https://github.com/tensorflow/tfjs/blob/master/docs/WEIGHTS_BIN.md).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from annotators.convert.graph import GraphModel, UnsupportedGraph

_DTYPES = {"float32": "<f4", "float16": "<f2", "int32": "<i4"}


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

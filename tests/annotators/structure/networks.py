"""Small ONNX graphs in the place of the trained network, of which it is known what they say."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from annotators.structure.inputs import CHANNELS, SIDE


def of_boxes() -> bytes:
    """A network that takes the boxes for the people. Depth is the row of the window, in its cells; all faces the camera."""
    constants = {
        "rows": np.broadcast_to(np.arange(SIDE, dtype=np.float32)[:, None], (1, 1, SIDE, SIDE)).copy(),
        "facing": np.array([0, 0, 1], np.float32).reshape(1, 3, 1, 1),
        "from": np.array([7]), "to": np.array([8]), "axis": np.array([1]),
        "twenty": np.float32(20), "ten": np.float32(10), "nothing": np.float32(0),
    }  # fmt: skip
    nodes = [
        helper.make_node("Slice", ["input", "from", "to", "axis"], ["boxes"]),
        helper.make_node("Mul", ["boxes", "nothing"], ["zeros"]),
        helper.make_node("Add", ["zeros", "rows"], ["depth"]),
        helper.make_node("Add", ["zeros", "facing"], ["normal"]),
        helper.make_node("Mul", ["boxes", "twenty"], ["scaled"]),
        helper.make_node("Sub", ["scaled", "ten"], ["people"]),
        helper.make_node("Concat", ["depth", "normal", "people"], ["maps"], axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "of_boxes",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["n", CHANNELS, SIDE, SIDE])],
        [helper.make_tensor_value_info("maps", TensorProto.FLOAT, ["n", 5, SIDE, SIDE])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    made: bytes = model.SerializeToString()
    return made

"""Inference engines as every annotator here uses them: on the CPU, one thread each.

One thread makes an answer independent of how many cores there are and of what else runs; several pictures at once are the
business of several processes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from humanverse.hush import without_stderr


def onnx_session(path: Path) -> Any:
    """An ``onnxruntime.InferenceSession`` of the model at ``path``."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


class TfLite:
    """A TensorFlow Lite model with one input, for one picture at a time."""

    def __init__(self, path: Path) -> None:
        from ai_edge_litert.interpreter import Interpreter

        with without_stderr():
            self._interpreter: Any = Interpreter(str(path), num_threads=1)
            self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._outputs = [output["index"] for output in self._interpreter.get_output_details()]

    def __call__(self, image: np.ndarray) -> list[np.ndarray]:
        """The model's outputs, in its own order.

        Args:
            image: float32 (height, width, channels), as the model wants it.
        """
        self._interpreter.set_tensor(self._input, image[None])
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(index) for index in self._outputs]

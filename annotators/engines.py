"""Inference engines as annotators use them: on the CPU with one thread each, unless another device is asked for.

One thread makes an answer independent of how many cores there are and of what else runs; several pictures at once are the
business of several processes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from humanverse.errors import UserError
from humanverse.hush import without_stderr

_CPU, _CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"
_FOLDER_OF_TENSORS = "session.model_external_initializers_file_folder_path"
"""onnxruntime's setting: where tensors lie that are not in the model's own file."""


def onnx_device(asked: str) -> str:
    """Where onnxruntime can run what is asked to run on ``cpu``, ``cuda``, ``cuda:0`` or ``auto``: ``cpu`` or ``cuda:NUMBER``.

    Raises:
        UserError: if it is a GPU, and this onnxruntime knows none.
    """
    import onnxruntime

    if asked == "cpu":
        return asked
    cuda = _CUDA in onnxruntime.get_available_providers()
    if asked == "auto":
        return "cuda:0" if cuda else "cpu"
    if not cuda:
        raise UserError(
            f"device {asked} is not here: onnxruntime {onnxruntime.__version__} is built for the CPU alone; "
            "put onnxruntime-gpu in its place, or use --device cpu"
        )
    return f"cuda:{int(asked.partition(':')[2] or 0)}"


def onnx_session(path: Path, device: str = "cpu", threads: int = 1) -> Any:
    """An ``onnxruntime.InferenceSession`` of the model at ``path``.

    The model is that file alone: tensors in files beside it are not read, since its SHA-256 says nothing of them.

    Args:
        path: of the ONNX file.
        device: as ``onnx_device`` says.
        threads: on the CPU.

    Raises:
        UserError: if the GPU cannot be used.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry(_FOLDER_OF_TENSORS, str(path.absolute() / "none"))
    model = path.read_bytes()
    if device == "cpu":
        return onnxruntime.InferenceSession(model, options, providers=[_CPU])
    exact = {"device_id": int(device.partition(":")[2]), "use_tf32": 0, "cudnn_conv_algo_search": "HEURISTIC"}
    session = onnxruntime.InferenceSession(model, options, providers=[(_CUDA, exact), _CPU])
    if session.get_providers()[0] != _CUDA:
        raise UserError(f"device {device} cannot be used by onnxruntime (are CUDA and cuDNN there?): use --device cpu")
    return session


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

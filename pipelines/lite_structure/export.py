"""The trained network as ONNX: float16 weights in the file, float32 arithmetic."""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path

import torch

from annotators.networks.lite_structure import LiteStructureNet
from annotators.structure.inputs import CHANNELS, SIDE
from humanverse.errors import UserError

OPSET = 17


def averaged_network(run: Path) -> LiteStructureNet:
    """The averaged network of a run, ready to be used.

    Raises:
        UserError: if there is no checkpoint.
    """
    path = run / "last.pt"
    if not path.exists():
        raise UserError(f"{run} has no checkpoint: train with python -m pipelines.lite_structure train")
    network = LiteStructureNet()
    network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True)["averaged"])
    return network.eval()


def exported(network: LiteStructureNet, halves: bool = True) -> bytes:
    """The ONNX file: input ``input`` float32 (n, 8, 192, 192), output ``maps`` float32 (n, 5, 192, 192).

    Args:
        network: in evaluation mode.
        halves: whether weights are rounded to float16, which halves the file; they are cast back when it is loaded.
    """
    import onnx

    shape = {0: "n"}
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        path = Path(folder) / "network.onnx"
        torch.onnx.export(
            network, (torch.zeros(1, CHANNELS, SIDE, SIDE),), path, input_names=["input"], output_names=["maps"],
            dynamic_axes={"input": shape, "maps": shape}, opset_version=OPSET, dynamo=False,
        )  # fmt: skip
        model = onnx.load(path)
    if halves:
        _halve(model)
    onnx.checker.check_model(model)
    made: bytes = model.SerializeToString()
    return made


def _halve(model: object) -> None:
    """Keep large weights as float16, each with a cast to float32 behind it."""
    from onnx import TensorProto, helper, numpy_helper

    graph = model.graph  # type: ignore[attr-defined]
    casts = []
    for weight in graph.initializer:
        values = numpy_helper.to_array(weight)
        if weight.data_type != TensorProto.FLOAT or values.size < 256:
            continue
        name = weight.name
        weight.CopyFrom(numpy_helper.from_array(values.astype("float16"), f"{name}.half"))
        casts.append(helper.make_node("Cast", [f"{name}.half"], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


def export_run(run: Path, path: Path) -> None:
    """Write the averaged network of a run.

    Raises:
        UserError: as of ``averaged_network``.
    """
    path.write_bytes(exported(averaged_network(run)))

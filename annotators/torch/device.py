"""Where a model runs and with which numbers: ``cpu``, ``cuda``, ``cuda:0`` or ``auto``, checked against what is there."""

from __future__ import annotations

import importlib.util
import os
from typing import Any, Literal

from humanverse.errors import UserError

Precision = Literal["auto", "float32", "bfloat16", "float16"]
_GIB = 1 << 30


def gpus() -> list[str]:
    """The GPUs that torch can use here, as ``NVIDIA H200, 139.8 GiB``, by number. Empty where there is no torch."""
    if importlib.util.find_spec("torch") is None:
        return []
    import torch

    if not torch.cuda.is_available():
        return []
    found = (torch.cuda.get_device_properties(index) for index in range(torch.cuda.device_count()))
    return [f"{properties.name}, {properties.total_memory / _GIB:.1f} GiB" for properties in found]


def resolve(asked: str) -> str:
    """``asked`` as torch names it; ``auto`` is the first GPU if there is one.

    Raises:
        UserError: if a GPU is asked for that is not here.
    """
    if asked == "cpu":
        return asked
    there = gpus()
    if asked == "auto":
        return "cuda:0" if there else "cpu"
    number = int(asked.partition(":")[2] or 0)
    if number < len(there):
        return f"cuda:{number}"
    have = "; ".join(f"cuda:{index} is {name}" for index, name in enumerate(there)) or _why_none()
    raise UserError(f"device {asked} is not here: {have}; use --device cpu, or --device auto for whatever there is")


def _why_none() -> str:
    if importlib.util.find_spec("torch") is None:
        return "torch is not installed (pip install 'humanverse[torch]')"
    import torch

    if torch.version.cuda is None:
        return f"torch {torch.__version__} is built for the CPU alone"
    return f"torch {torch.__version__} finds no GPU (is the driver there, and CUDA_VISIBLE_DEVICES not empty?)"


def found(asked: str) -> str:
    """One line about what ``asked`` is here, such as ``device auto: cuda:0, NVIDIA H200, 139.8 GiB``.

    Raises:
        UserError: as ``resolve``.
    """
    device = resolve(asked)
    if device == "cpu":
        return f"device {asked}: cpu" + ("" if asked == "cpu" else ", since no GPU was found")
    return f"device {asked}: {device}, {gpus()[int(device.partition(':')[2])]}"


def precision(asked: Precision, device: str, halves: bool) -> str:
    """The numbers that a model computes with.

    Args:
        asked: ``auto`` is bfloat16 on a GPU for a model that allows it, and else float32. The answer follows from the arguments
            alone, so that it can be written down before any worker has seen its GPU.
        device: where it will run.
        halves: whether the model's answers stay good in 16 bits.
    """
    if asked != "auto":
        return asked
    return "bfloat16" if halves and device.startswith("cuda") else "float32"


def settle(device: str, threads: int) -> None:
    """Make answers repeatable in this process: deterministic kernels, no TF32, a fixed number of threads.

    Float32 means float32: TF32 would round a product's factors to 10 bits.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    import torch

    torch.set_num_threads(threads)
    backends: Any = torch.backends
    backends.cudnn.benchmark = False
    backends.cudnn.deterministic = True
    if device.startswith("cuda"):
        backends.cuda.matmul.allow_tf32 = False
        backends.cudnn.allow_tf32 = False

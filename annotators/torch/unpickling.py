"""Reads old pickled checkpoints without running code.

A pickle names classes and functions, and has them called. Here a name is looked up in two lists and nowhere else: what rebuilds
tensors, arrays and plain containers is used (``REAL``); what training programs leave in their checkpoints beside the weights,
such as their settings, is replaced by an object that takes everything and does nothing (``INERT``). Any other name ends the
reading.
"""

from __future__ import annotations

import importlib
import pickle
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from annotators import first_bytes
from annotators.cache import WeightError
from humanverse.errors import one_line

_BUILTINS = ("set", "frozenset", "list", "dict", "tuple", "int", "float", "bool", "complex", "str", "bytes", "slice")
_ARRAYS = ("numpy", "numpy.core.multiarray", "numpy._core.multiarray", "numpy.core.numeric", "numpy._core.numeric")
_DTYPES = (
    *("float64", "float32", "float16", "bfloat16", "complex64", "complex128", "bool"),
    *("int64", "int32", "int16", "int8", "uint8"),
)

REAL: dict[tuple[str, str], tuple[str, str]] = {
    **{(module, name): ("builtins", name) for module in ("builtins", "__builtin__") for name in _BUILTINS},
    **{("collections", name): ("collections", name) for name in ("OrderedDict", "defaultdict")},
    ("_codecs", "encode"): ("_codecs", "encode"),
    ("copyreg", "_reconstructor"): (__name__, "plain"),
    ("copy_reg", "_reconstructor"): (__name__, "plain"),
    **{(module, name): ("numpy", name) for module in _ARRAYS for name in ("dtype", "ndarray")},
    **{(module, name): ("numpy._core.multiarray", name) for module in _ARRAYS for name in ("scalar", "_reconstruct")},
    **{("torch", name): ("torch", name) for name in (*_DTYPES, "Size", "device")},
    **{("torch._utils", name): ("torch._utils", name) for name in ("_rebuild_tensor", "_rebuild_tensor_v2")},
    ("torch._utils", "_rebuild_parameter"): ("torch._utils", "_rebuild_parameter"),
}
"""(module, name) in the pickle -> (module, name) of what is used; all of it builds values and touches nothing else."""

INERT = (
    *("argparse.Namespace", "types.SimpleNamespace", "pathlib.", "datetime.", "uuid.UUID"),
    *("omegaconf.", "yacs.", "addict.", "easydict.", "ml_collections."),
    *("pytorch_lightning.", "lightning.", "lightning_fabric.", "lightning_utilities."),
    *("mmcv.", "mmengine.", "mmpose.", "mmdet.", "detectron2.", "fvcore."),
    *("torch.optim.", "torch.cuda.amp.", "torch.amp."),
)
"""``module.name``, or how it begins: what is left in checkpoints beside weights."""


class Refused(Exception):
    """What a pickle wants that it is not given."""


class Inert:
    """Stands for an object of a class that is not wanted: it takes what a pickle gives it, and does nothing."""

    def __new__(cls, *args: Any, **named: Any) -> Inert:
        return object.__new__(cls)

    def __init__(self, *args: Any, **named: Any) -> None:
        pass

    def __setstate__(self, given: Any) -> None:
        pass

    def __setitem__(self, key: Any, value: Any) -> None:
        pass

    def append(self, value: Any) -> None:
        """Nothing."""

    def extend(self, values: Any) -> None:
        """Nothing."""


def plain(kind: type, base: type, value: Any) -> Any:
    """As ``copyreg._reconstructor``, which pickles of old protocols call, for containers and inert objects alone."""
    if kind not in (dict, list, set, tuple) and not issubclass(kind, Inert):
        raise Refused(f"an object of {kind.__name__} made from {base.__name__}")
    return Inert() if issubclass(kind, Inert) else kind(value or ())


class Restricted(pickle.Unpickler):
    """An unpickler for which nothing exists but ``REAL`` and ``INERT``."""

    def find_class(self, module: str, name: str) -> Any:
        real = REAL.get((module, name))
        if real is not None:
            return getattr(importlib.import_module(real[0]), real[1])
        if f"{module}.{name}".startswith(INERT):
            return type(name.rpartition(".")[2], (Inert,), {"__module__": module})
        raise Refused(f"{module}.{name}")


def _load(stream: Any, **options: Any) -> Any:
    return Restricted(stream, **options).load()


MODULE = SimpleNamespace(__name__="restricted", Unpickler=Restricted, load=_load)
"""What ``torch.load`` takes for the module ``pickle``."""


def read(path: Path) -> Any:
    """What a checkpoint of ``torch.save`` holds, in the formats of all its versions, tensors on the CPU.

    Raises:
        WeightError: if it names anything that is in neither list, or is no checkpoint (see also ``annotators.first_bytes``).
    """
    first_bytes.check(path)
    import torch

    try:
        return torch.load(path, map_location="cpu", pickle_module=MODULE, weights_only=False)
    except Refused as error:
        raise WeightError(f"{path} wants to run {error}, which no weights need: it is not read") from error
    except (
        pickle.UnpicklingError,
        OSError,
        EOFError,
        AttributeError,
        KeyError,
        IndexError,
        RuntimeError,
        TypeError,
        ValueError,
    ) as error:
        raise WeightError(f"{path} is no checkpoint that can be read ({one_line(error, 120)})") from error

"""Which sets of weights a checkpoint holds, seen without torch: its pickle is read with a stand-in for each object in it."""

from __future__ import annotations

import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

from annotators.torch.unpickling import Inert
from annotators.torch.weights import choose
from humanverse.errors import UserError

_CONTAINERS: dict[tuple[str, str], type] = {
    ("collections", "OrderedDict"): OrderedDict,
    **{("builtins", kind.__name__): kind for kind in (set, list, dict, tuple)},
}
_REBUILDS = "torch._utils"
"""The module whose functions make tensors."""


class TensorStandIn(Inert):
    """In place of a tensor."""


class _Outline(pickle.Unpickler):
    """For which no code exists but plain containers."""

    def find_class(self, module: str, name: str) -> Any:
        if module == _REBUILDS:
            return TensorStandIn
        return _CONTAINERS.get((module, name), Inert)

    def persistent_load(self, pid: Any) -> Any:
        """Nothing instead of a tensor's numbers."""
        return None


def sets_told(path: Path) -> str | None:
    """One line that says which set of weights ``annotators.torch.weights`` takes of a checkpoint that holds several; None for one
    that holds one, is no zip archive of ``torch.save`` (as its old versions' are not), or cannot be read like this."""
    try:
        with zipfile.ZipFile(path) as archive:
            (inside,) = (name for name in archive.namelist() if name.endswith("/data.pkl"))
            with archive.open(inside) as stream:
                chosen = choose(_Outline(stream).load(), path, tensor=TensorStandIn)
    except (UserError, zipfile.BadZipFile, OSError, EOFError, pickle.UnpicklingError):
        return None
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        return None
    if not chosen.others:
        return None
    return (
        f"{path}: the weights under {chosen.key or 'its top'} are taken; there are others under {', '.join(chosen.others)}: "
        f"humanverse models convert {path} OUT.safetensors --key NAME takes them out"
    )

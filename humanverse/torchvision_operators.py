"""Lets torchvision be imported beside a torch that its compiled operators were not built for.

torchvision's wheels of the Python package index are built against the CUDA build of torch. Beside a CPU build their library does
not load, and ``import torchvision`` ends with "operator torchvision::nms does not exist", because it registers shapes for
operators that nobody has defined. Defining these operators' signatures, without any implementation, is all that the import needs.
Image transforms, which are what estimators use, are plain torch and then work; torchvision's own ``nms`` and its JPEG reader do
not, and raise when called.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

SIGNATURES = {
    "nms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
}
"""Of the operators that torchvision 0.28 registers shapes for without asking whether they exist."""

_defined: list[object] = []
"""Keeps the definitions alive: they end with the object that made them."""


def prepare_torchvision() -> None:
    """Call before anything that imports torchvision. Does nothing where its own operators load, and the second time."""
    if _defined or "torchvision" in sys.modules or own_operators_load():
        return
    import torch

    library = torch.library.Library("torchvision", "FRAGMENT")
    for name, signature in SIGNATURES.items():
        library.define(name + signature)
    _defined.append(library)


def own_operators_load() -> bool:
    """Whether torchvision's compiled operators fit this torch; true also where there is no torchvision."""
    found = importlib.util.find_spec("torchvision")
    if found is None or found.origin is None:
        return True
    import torch

    libraries = [path for path in Path(found.origin).parent.glob("_C*") if path.suffix in (".so", ".pyd", ".dylib")]
    try:
        for path in libraries:
            torch.ops.load_library(str(path))
    except OSError:
        return False
    return bool(libraries)

"""The two-stage generator: networks, noise schedule, losses and pipelines.

Stage 1 (``structural_unet``) denoises several aligned targets together; stage 2 (``refiner``) steers SDXL by their maps.
Nothing here reads a dataset or runs a training loop. Importing this package imports PyTorch, and readies torchvision, which
diffusers imports.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from humanverse.torchvision_operators import prepare_torchvision

prepare_torchvision()

_WHERE = {
    "StructuralUNet": "structural_unet",
    "StructureRefiner": "refiner",
    "StructuralPipeline": "pipelines.structural",
    "RefinerPipeline": "pipelines.refiner",
}

__all__ = ["RefinerPipeline", "StructuralPipeline", "StructuralUNet", "StructureRefiner"]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)

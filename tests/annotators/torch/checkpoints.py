"""Checkpoints as training programs leave them, harmless and not."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from typing import Any

import torch


def weights_of_a_layer() -> dict[str, torch.Tensor]:
    """Of a linear layer from 3 to 2."""
    return {"weight": torch.arange(6.0).reshape(2, 3), "bias": torch.tensor([0.5, -0.5])}


@dataclass
class Settings:
    """A program's own class, which nobody else has."""

    depth: int


class Calls:
    """Has a function called when it is unpickled."""

    def __init__(self, function: Any, *words: Any) -> None:
        self.function, self.words = function, words

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return self.function, self.words


def attacks(trace: str) -> dict[str, Any]:
    """Objects that would leave a folder at ``trace`` when unpickled, or look for a way to."""
    return {
        "os.mkdir": Calls(os.mkdir, trace),
        "os.system": Calls(os.system, f"mkdir {trace}"),
        "subprocess": Calls(subprocess.check_call, ["mkdir", trace]),
        "eval": Calls(eval, f"__import__('os').mkdir({trace!r})"),
        "getattr": Calls(getattr, "text", "upper"),
        "torch.load": Calls(torch.load, trace),
        "torch.hub.load": Calls(torch.hub.load, "someone/something", "model"),
    }

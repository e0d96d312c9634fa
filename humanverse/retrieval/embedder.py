"""What turns texts into vectors that are compared with one another, or with those of pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np


class Embedder(Protocol):
    """A model of texts.

    Attributes:
        name: tells its vectors from those of any other model; they are kept under it.
    """

    @property
    def name(self) -> str: ...

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        """float32 (texts, width), each of length 1."""

"""A number that a small network says of a picture's embedding: what LAION's heads, and others after them, have in common."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import Any

import numpy as np

from annotators.torch.one_number import OneNumber
from annotators.torch.towers import Images, normalised
from annotators.torch.weights import load_strictly, tensors_of
from annotators.weights import obtain


class HeadOnTower(OneNumber):
    """Write ``images``, ``head`` and the card, whose weights are the tower's and the head's. The head stays at float32."""

    halves = True

    @abstractmethod
    def images(self, weights: Path) -> Images:
        """The tower, on the CPU."""

    @abstractmethod
    def head(self) -> Any:
        """The ``torch.nn.Module``, embeddings of length 1 (n, width) -> (n,), without its weights."""

    def build(self) -> Any:
        tower, head = (obtain(weight) for weight in self.weights)
        self._images = self.images(tower)
        self._head = load_strictly(self.head(), tensors_of(head), head).to(self.place).eval()
        return self._images.tower

    def input(self, rgb: np.ndarray) -> Any:
        return self._images.input(rgb)

    def numbers(self, batch: Any) -> Any:
        return self._head(normalised(self.model(batch)))

"""The probability of one class, by a picture classifier whose body is of the timm library."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

from annotators.torch.one_number import OneNumber
from annotators.torch.weights import Tensors, load_strictly, tensors_of
from annotators.weights import obtain


class TimmClassifier(OneNumber):
    """Write ``network``, ``input`` and the card, whose only weight is one file. Classes exclude each other."""

    takes_a_set = True

    index: ClassVar[int]
    """Of the class among the network's answers."""

    @abstractmethod
    def network(self) -> Any:
        """The ``torch.nn.Module``, (n, 3, height, width) -> (n, classes), without its weights."""

    def renamed(self, tensors: Tensors, network: Any) -> Tensors:
        """The published tensors by the network's names."""
        return tensors

    def build(self) -> Any:
        path = obtain(self.weights[0])
        network = self.network()
        return load_strictly(network, self.renamed(tensors_of(path), network), path)

    def numbers(self, batch: Any) -> Any:
        return self.model(batch).float().softmax(dim=-1)[:, self.index]

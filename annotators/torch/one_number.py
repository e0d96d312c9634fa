"""An annotator that looks at each picture once and says a number: what classifiers and scores have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from annotators.base import Picture, Row, Unavailable
from annotators.torch.base import TorchAnnotator


class OneNumber(TorchAnnotator):
    """Write ``build``, ``input``, ``numbers`` and the card, of a kind with one column."""

    gpu_batch = 64

    @abstractmethod
    def input(self, rgb: np.ndarray) -> Any:
        """Float tensor (3, height, width) of a picture, uint8 (height, width, 3)."""

    @abstractmethod
    def numbers(self, batch: Any) -> Any:
        """Float tensor (n,), such as probabilities, for inputs (n, 3, height, width)."""

    def annotate(self, pictures: Sequence[Picture], needs: Mapping[str, Sequence[Row]]) -> Sequence[Row | Unavailable]:
        (column,) = self.kind.columns
        inputs = [self.input(picture.rgb) for picture in pictures]
        found = self.through(inputs, lambda batch, _: self.numbers(batch).float().tolist())
        return [{column.name: number} for number in found]

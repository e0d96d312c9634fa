"""A picture's embedding by the picture tower of a model that compares pictures with texts."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from annotators.base import Picture, Row, Unavailable
from annotators.torch.base import TorchAnnotator
from annotators.torch.towers import Images, normalised


class PictureEmbedding(TorchAnnotator):
    """Write ``images``, ``width`` and the card."""

    halves = True
    gpu_batch = 64

    @abstractmethod
    def images(self) -> Images:
        """The tower, on the CPU."""

    @abstractmethod
    def width(self) -> int:
        """How many numbers a vector has; the weights are here when this is asked."""

    def describes(self) -> dict[str, Any]:
        return {**super().describes(), "width": self.width()}

    def build(self) -> Any:
        self._images = self.images()
        return self._images.tower

    def annotate(self, pictures: Sequence[Picture], needs: Mapping[str, Sequence[Row]]) -> Sequence[Row | Unavailable]:
        inputs = [self._images.input(picture.rgb) for picture in pictures]
        return [{"vector": vector} for vector in self.through(inputs, lambda batch, _: self._vectors(batch))]

    def _vectors(self, batch: Any) -> list[np.ndarray]:
        return list(normalised(self.model(batch)).cpu().numpy())

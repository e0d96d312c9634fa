"""An annotator that looks at each picture once and says a map: what depth and normals have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from annotators.base import Picture, Row, Unavailable
from annotators.maps import MapSettings, bounded
from annotators.torch.base import TorchAnnotator, TorchSettings


class DenseSettings(TorchSettings, MapSettings):
    """Of every estimator of dense maps on PyTorch."""


@dataclass(frozen=True)
class View:
    """What the network is shown of a picture.

    Attributes:
        input: float tensor (3, height, width), as the network wants it.
        box: the part of the picture that it shows, (x0, y0, x1, y1) in the picture's pixels.
    """

    input: Any
    box: tuple[float, float, float, float]


class DenseAnnotator(TorchAnnotator):
    """Write ``build``, ``view``, ``forward`` and ``row``."""

    Settings = DenseSettings
    settings: DenseSettings

    @abstractmethod
    def view(self, rgb: np.ndarray) -> View:
        """What the network is shown of a picture, uint8 (height, width, 3)."""

    @abstractmethod
    def forward(self, batch: Any) -> Any:
        """Float tensor (n, height, width) or (n, height, width, channels): the maps for inputs (n, 3, height, width)."""

    @abstractmethod
    def row(self, values: np.ndarray) -> Row:
        """The kind's columns, from one map of ``forward`` as float32, at most ``map_side`` long; the map under ``"map"``."""

    def annotate(self, pictures: Sequence[Picture], needs: Mapping[str, Sequence[Row]]) -> Sequence[Row | Unavailable]:
        views = [self.view(picture.rgb) for picture in pictures]
        maps = self.through([view.input for view in views], lambda batch, _: self._maps(batch))
        return [{**self.row(values), "map_box": list(view.box)} for values, view in zip(maps, views, strict=True)]

    def _maps(self, batch: Any) -> list[np.ndarray]:
        """The maps of a batch, each as small as it will be stored."""
        return [bounded(values, self.settings.map_side) for values in self.forward(batch).float().cpu().numpy()]

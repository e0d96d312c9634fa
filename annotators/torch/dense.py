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
        window: the part of the input that shows it, (x0, y0, x1, y1) in the input's pixels, where there is padding around it.
    """

    input: Any
    box: tuple[float, float, float, float]
    window: tuple[int, int, int, int] | None = None

    def shown(self, height: int, width: int) -> tuple[slice, slice]:
        """The rows and columns of a map of the whole input, ``height`` by ``width``, that show the box."""
        if self.window is None:
            return slice(0, height), slice(0, width)
        x0, y0, x1, y1 = self.window
        down, across = height / self.input.shape[-2], width / self.input.shape[-1]
        return slice(round(y0 * down), round(y1 * down)), slice(round(x0 * across), round(x1 * across))


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
        maps = self.through(
            [view.input for view in views], lambda batch, at: self.maps(batch, [views[index] for index in at])
        )
        return [{**self.row(values), "map_box": list(view.box)} for values, view in zip(maps, views, strict=True)]

    def maps(self, batch: Any, views: Sequence[View]) -> list[np.ndarray]:
        """The maps of a batch's ``views``, each of its box alone and as small as it will be stored."""
        found = self.forward(batch).float().cpu().numpy()
        shown = [one[view.shown(*one.shape[:2])] for one, view in zip(found, views, strict=True)]
        return [bounded(values, self.settings.map_side) for values in shown]

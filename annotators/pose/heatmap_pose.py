"""A top-down pose network on PyTorch that says one heatmap a point: normal pictures in, the flip test, and points out."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np

from annotators.pose.topdown_pose import PoseSettings, TopDownPose
from annotators.torch.base import TorchAnnotator, TorchSettings

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_DEVIATION = (0.229, 0.224, 0.225)
"""Of RGB in [0, 1]."""


class HeatmapSettings(TorchSettings, PoseSettings):
    """Attributes:
    flip_test: average the heatmaps of the crop and of its mirror image, as published; without it twice as fast.
    """

    flip_test: bool = True


class HeatmapPose(TopDownPose, TorchAnnotator):
    """Write ``build``, ``slots``, ``crop``, ``head``, ``heatmaps``, ``mirrored_back`` and ``points``."""

    Settings = HeatmapSettings
    settings: HeatmapSettings
    halves = True

    mean: Sequence[float] = IMAGENET_MEAN
    deviation: Sequence[float] = IMAGENET_DEVIATION

    @abstractmethod
    def head(self) -> Any:
        """The part of ``model`` that makes the heatmaps, a ``torch.nn.Module``."""

    @abstractmethod
    def heatmaps(self, images: Any) -> Any:
        """Tensor (n, points, height, width), from normal pictures (n, 3, height, width) of the crops."""

    @abstractmethod
    def mirrored_back(self, heatmaps: Any) -> Any:
        """The heatmaps of mirrored crops as those of the crops themselves."""

    @abstractmethod
    def points(self, heatmaps: Any) -> np.ndarray:
        """float64 (n, len(slots), 3) out of float32 heatmaps: x, y in pixels of the crop, confidence."""

    def load(self) -> None:
        """As of all; what makes the heatmaps stays at float32, for in 16 bits neighbouring pixels of a heatmap become equal."""
        super().load()
        self.head().float().register_forward_pre_hook(_exactly)

    def look(self, shown: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        return self.through([_tensor(crop) for crop in shown], lambda batch, _: list(self._points(batch)))

    def _points(self, batch: Any) -> np.ndarray:
        """As ``points``, for RGB from 0 to 255, (n, 3, height, width)."""
        rgb = batch.float()
        mean, deviation = (rgb.new_tensor(values)[:, None, None] for values in (self.mean, self.deviation))
        images = ((rgb / 255 - mean) / deviation).to(batch.dtype)
        heatmaps = self.heatmaps(images)
        if self.settings.flip_test:
            heatmaps = (heatmaps + self.mirrored_back(self.heatmaps(images.flip(3)))) / 2
        return self.points(heatmaps.float())


def _tensor(rgb: np.ndarray) -> Any:
    """uint8 (3, height, width): a quarter of the memory that float takes, which matters where there are crowds."""
    import torch

    return torch.from_numpy(rgb).permute(2, 0, 1)


def _exactly(_: Any, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """A module's inputs at float32."""
    return tuple(one.float() for one in inputs)

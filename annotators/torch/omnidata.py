"""Omnidata's two networks: what they are shown, and how their weights are loaded.

Eftekhar et al., "Omnidata" (ICCV 2021), and Kar et al., "3D Common Corruptions" (CVPR 2022), which the second version of the
weights is from. Their demo resizes the picture's shorter side to 384 (bilinear, antialiased) and shows the network the square in
its middle.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from annotators.maps import resized, working_size
from annotators.torch.dense import DenseAnnotator, DenseSettings, View
from annotators.torch.weights import load_strictly, tensors_of
from annotators.weights import obtain

STRIDE = 32
SOURCE = "https://github.com/EPFL-VILAB/omnidata; fetched from a copy on the hub that others keep"
LICENCE = (
    "none stated for the weights; Omnidata's data, which they were trained on, is for non-commercial research only"
)
PROTOCOL = "whole picture, shorter side to 384 (bilinear), both sides rounded to multiples of 32, no flip"


class OmnidataSettings(DenseSettings):
    """Attributes:
    shorter_side: of what the network is shown, in pixels; it was trained on 384.
    middle_square: show it the square in the middle alone, as the owners' demo does, instead of the whole picture. The
    map then covers that square.
    """

    shorter_side: int = Field(default=384, ge=STRIDE, multiple_of=STRIDE)
    middle_square: bool = False


def whole(rgb: np.ndarray, shorter: int) -> tuple[np.ndarray, tuple[float, float, float, float]]:
    """The whole picture, both sides rounded to what the network's maps need to meet; and its box."""
    height, width = rgb.shape[:2]
    return resized(rgb, working_size((width, height), shorter, STRIDE)), (0.0, 0.0, float(width), float(height))


def middle(rgb: np.ndarray, shorter: int) -> tuple[np.ndarray, tuple[float, float, float, float]]:
    """The middle square as torchvision's ``Resize`` and ``CenterCrop`` cut it, and the box that it covers in the picture."""
    height, width = rgb.shape[:2]
    size = tuple(
        shorter if side == min(width, height) else shorter * side // min(width, height) for side in (width, height)
    )
    left, top = (round((side - shorter) / 2) for side in size)
    across, down = width / size[0], height / size[1]
    box = (left * across, top * down, (left + shorter) * across, (top + shorter) * down)
    return resized(rgb, (size[0], size[1]))[top : top + shorter, left : left + shorter], box


class Omnidata(DenseAnnotator):
    """Base of the two: give ``outputs``, ``scaled`` and ``row``."""

    Settings = OmnidataSettings
    settings: OmnidataSettings
    takes_a_set = True

    outputs: ClassVar[int]
    """Channels that the network says."""

    def network(self) -> Any:
        """The network without its weights."""
        from annotators.networks.dpt_hybrid import DptHybrid

        return DptHybrid(self.outputs)

    def build(self) -> Any:
        from annotators.networks.dpt_hybrid import stripped

        path = obtain(self.weights[0])
        return load_strictly(self.network(), stripped(tensors_of(path)), path)

    def scaled(self, image: Any) -> Any:
        """A float tensor with values in [0, 1] as the network wants them."""
        return image

    def view(self, rgb: np.ndarray) -> View:
        import torch

        cut = middle if self.settings.middle_square else whole
        shown, box = cut(rgb, self.settings.shorter_side)
        return View(self.scaled(torch.from_numpy(shown.copy()).permute(2, 0, 1).float() / 255), box)

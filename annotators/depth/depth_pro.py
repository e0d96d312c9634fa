"""Depth in metres by Depth Pro."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import Field

from annotators.base import Card, Row
from annotators.torch.dense import DenseSettings
from annotators.torch.transformers_depth import TransformersDepth
from annotators.weights import Contents, Weight

_NEAREST, _FARTHEST = 1e-4, 1e4
"""Between which the owners keep depths, in metres."""


class DepthProSettings(DenseSettings):
    """Attributes:
    farthest: what is farther away, such as the sky, is stored as that far, in metres. A map has 65,534 evenly spaced depths: with
    250 m they are 4 mm apart.
    """

    farthest: float = Field(default=250.0, gt=0, le=_FARTHEST)


class DepthPro(TransformersDepth):
    """Metric depth, with the field of view that the model reads off the picture.

    The network says inverse depth for a camera whose picture is as wide as its focal length is long. With the field of view
    v that it says beside, inverse depth in 1/m is that times 2 tan(v / 2) (Bochkovskii et al., "Depth Pro", ICLR 2025).
    """

    card = Card(
        kind="depth",
        name="depth-pro",
        version=1,
        summary="depth in metres by Apple's Depth Pro; large, for a GPU",
        model="apple/DepthPro-hf (Bochkovskii et al. 2025, 952 M parameters)",
        licence="Apple Machine Learning Research Model licence (weights): research only",
        source="https://huggingface.co/apple/DepthPro-hf",
        protocol=(
            "whole picture to 1536 x 1536 (bilinear), RGB with mean 0.5 and deviation 0.5, as the model's own settings say; "
            "no flip"
        ),
        output=(
            "depth along the optical axis in metres, by a guessed field of view; farther than 250 m (a setting) is stored "
            "as that"
        ),
        weights=(Weight("hf:apple/DepthPro-hf@main", "", 1_900_000_000, contents=Contents("depth_pro")),),
        packages={"torch": "torch", "transformers": "torch", "torchvision": "torch"},
        speed="gpu",
        preset="modern",
    )
    Settings = DepthProSettings
    settings: DepthProSettings

    gpu_batch = 4
    model_class = "DepthProForDepthEstimation"
    processor_class = "DepthProImageProcessor"

    @property
    def batch_size(self) -> int:
        """What goes through the model at once: all inputs have one shape, and more of them would fill gigabytes."""
        return self._most

    def forward(self, batch: Any) -> Any:
        import torch

        answer = self.model(pixel_values=batch)
        widths = 2 * torch.tan(torch.deg2rad(answer.field_of_view.float()) / 2)
        inverse = answer.predicted_depth.float() * widths[:, None, None]
        return (1 / inverse.clamp(1 / _FARTHEST, 1 / _NEAREST)).clamp(max=self.settings.farthest)

    def row(self, values: np.ndarray) -> Row:
        return {"map": values, "depth_kind": "metric", "unit": "m"}

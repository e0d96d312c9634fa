"""Depth of people by Sapiens2's maps of points."""

from __future__ import annotations

from typing import Any

import numpy as np

from annotators.base import Card, Row
from annotators.torch.sapiens2 import LICENCE, PACKAGES, PADDED, MapsOfPeople
from annotators.weights import Contents, Weight


class Sapiens2Depth(MapsOfPeople):
    """Depth along the optical axis: z of the point that the network sees at each pixel, over the scale that it says beside.

    Where the weights say no scale, depth is relative: right but for one factor.
    """

    card = Card(
        kind="depth",
        name="sapiens2",
        version=1,
        summary="depth of people by Sapiens2-0.4B's map of points, nothing beside them; the larger ones by --weights",
        model="facebook/sapiens2-pointmap-0.4b (Khirodkar et al. 2026, 0.4 B parameters)",
        licence=LICENCE,
        source="https://huggingface.co/facebook/sapiens2-pointmap-0.4b",
        protocol=PADDED,
        output=(
            "depth along the optical axis, metric by a scale that the network guesses, taken as metres; none beside the people "
            "of the segmentation layer"
        ),
        weights=(Weight("hf:facebook/sapiens2-pointmap-0.4b@main", "", 3_600_000_000, contents=Contents("sapiens2")),),
        needs=("segmentation",),
        packages=PACKAGES,
        speed="gpu",
        preset="modern",
    )
    halves = False
    gpu_batch = 8
    model_class = "Sapiens2ForPointmapEstimation"

    def build(self) -> Any:
        built = super().build()
        head = built.config.head_config
        self._metric = head is not None and head.scale_conv_out_channels is not None
        return built

    def forward(self, batch: Any) -> Any:
        said = self.model(pixel_values=batch)
        depth = said.pointmaps[:, 2].float()
        return depth / said.scales.float()[:, :, None] if self._metric else depth

    def row(self, values: np.ndarray) -> Row:
        depth = np.where(values > 0, values, np.nan)
        kind, unit = ("metric", "m") if self._metric else ("relative", None)
        return {"map": depth, "depth_kind": kind, "unit": unit}

"""Depth by Depth Anything V2."""

from __future__ import annotations

from typing import Any

import numpy as np

from annotators.base import Card, Row
from annotators.torch.transformers_depth import TransformersDepth
from annotators.weights import Contents, Weight

_KINDS = {"relative": ("inverse", None), "metric": ("metric", "m")}
"""What the model's settings say of its answers -> depth_kind and unit."""


class DepthAnything(TransformersDepth):
    """Inverse relative depth; depth in metres where the weights given are those of a metric model."""

    card = Card(
        kind="depth",
        name="depth-anything-v2",
        version=1,
        summary="inverse relative depth by Depth Anything V2 Small; the metric and the larger models by --weights",
        model="depth-anything/Depth-Anything-V2-Small-hf (Yang et al. 2024, 24.8 M parameters)",
        licence="Apache-2.0 (Small; Base and Large are CC-BY-NC-4.0)",
        source="https://huggingface.co/depth-anything",
        protocol=(
            "whole picture, shorter side to 518 (bicubic), both sides rounded to multiples of 14, RGB with ImageNet's mean "
            "and deviation, as the model's own settings say; no flip"
        ),
        output="inverse depth, larger is nearer, scale and shift unknown; of metric models depth in metres",
        weights=(
            Weight(
                "hf:depth-anything/Depth-Anything-V2-Small-hf@main", "", 99_000_000, contents=Contents("depth_anything")
            ),
        ),
        packages={"torch": "torch", "transformers": "torch"},
        speed="medium",
        preset="modern",
    )
    model_class = "DepthAnythingForDepthEstimation"
    processor_class = "DPTImageProcessorPil"

    def build(self) -> Any:
        built = super().build()
        self._said = _KINDS[built.config.depth_estimation_type]
        return built

    def row(self, values: np.ndarray) -> Row:
        kind, unit = self._said
        return {"map": values, "depth_kind": kind, "unit": unit}

"""Inverse depth by MiDaS 3's DPT-hybrid."""

from __future__ import annotations

import numpy as np

from annotators.base import Card, Row
from annotators.torch.transformers_depth import TransformersDepth
from annotators.weights import Contents, Weight


class MidasDpt(TransformersDepth):
    """Inverse relative depth of the whole picture. Any model of transformers' DPT does, given with ``--weights``."""

    card = Card(
        kind="depth",
        name="midas-dpt",
        version=1,
        summary="inverse relative depth by MiDaS 3 DPT-hybrid, as depth-conditioned generators use it (the paper's)",
        model="Intel/dpt-hybrid-midas (Ranftl et al. 2021, MIX-6; 123 M parameters)",
        licence="Apache-2.0 (weights, Intel)",
        source="https://huggingface.co/Intel/dpt-hybrid-midas",
        protocol="whole picture to 384 x 384, RGB with mean 0.5 and deviation 0.5, as the model's own settings say; no flip",
        output="inverse depth, larger is nearer, not negative; scale and shift are unknown and differ from picture to picture",
        weights=(Weight("hf:Intel/dpt-hybrid-midas@main", "", 490_000_000, contents=Contents("dpt")),),
        packages={"torch": "torch", "transformers": "torch"},
        speed="medium",
        preset="paper",
    )
    model_class = "DPTForDepthEstimation"
    processor_class = "DPTImageProcessorPil"

    def row(self, values: np.ndarray) -> Row:
        return {"map": values, "depth_kind": "inverse", "unit": None}

"""Depth by Omnidata's DPT-hybrid."""

from __future__ import annotations

from typing import Any

import numpy as np

from annotators.base import Card, Row
from annotators.torch.omnidata import LICENCE, PROTOCOL, SOURCE, Omnidata
from annotators.weights import Weight

WEIGHTS = Weight("hf:clay3d/omnidata@main:omnidata_dpt_depth_v2.ckpt", "", 1_900_000_000)


class OmnidataDepth(Omnidata):
    """Relative depth of the whole picture."""

    card = Card(
        kind="depth",
        name="omnidata",
        version=1,
        summary="relative depth by Omnidata's DPT-hybrid (the paper's)",
        model="EPFL-VILAB/omnidata, omnidata_dpt_depth_v2.ckpt (DPT-hybrid, 123 M parameters)",
        licence=LICENCE,
        source=SOURCE,
        protocol=f"{PROTOCOL}; RGB with mean 0.5 and deviation 0.5",
        output="relative depth in [0, 1], larger is farther; scale and shift are unknown and differ from picture to picture",
        weights=(WEIGHTS,),
        speed="slow",
        preset="paper",
        packages={"torch": "torch", "torchvision": "torch", "timm": "torch"},
    )
    outputs = 1

    def scaled(self, image: Any) -> Any:
        return (image - 0.5) / 0.5

    def forward(self, batch: Any) -> Any:
        return self.model(batch)[:, 0].clamp(0, 1)

    def row(self, values: np.ndarray) -> Row:
        return {"map": values, "depth_kind": "relative", "unit": None}

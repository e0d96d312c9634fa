"""Surface normals by Omnidata's DPT-hybrid."""

from __future__ import annotations

from typing import Any

import numpy as np

from annotators.base import Card, Row
from annotators.maps import OPENCV_TO_LAYER, unit
from annotators.torch.omnidata import LICENCE, PROTOCOL, SOURCE, Omnidata
from annotators.weights import Weight

WEIGHTS = Weight("hf:clay3d/omnidata@main:omnidata_dpt_normal_v2.ckpt", "", 1_900_000_000)


class OmnidataNormal(Omnidata):
    """Surface normals of the whole picture.

    The network says (n + 1) / 2 with n in a frame of x right, y down, z into the picture, so that a wall that faces the
    camera is (0, 0, -1) and a floor (0, -1, 0). What is known of it: users of the published weights report, of a room,
    (0.01, -0.97, -0.12) for the floor, (0.02, 0.98, 0.10) for the ceiling and (-0.52, 0.07, -0.81) for a wall
    (https://github.com/maturk/dn-splatter/issues/9), and MonoSDF fits its surfaces' outward normals to them in that frame.
    An answer of the owners names the same x and y but z towards the camera
    (https://github.com/EPFL-VILAB/omnidata/issues/13), which those figures contradict.
    """

    card = Card(
        kind="normal",
        name="omnidata",
        version=1,
        summary="surface normals by Omnidata's DPT-hybrid (the paper's)",
        model="EPFL-VILAB/omnidata, omnidata_dpt_normal_v2.ckpt (DPT-hybrid with three channels, 123 M parameters)",
        licence=LICENCE,
        source=SOURCE,
        protocol=f"{PROTOCOL}; RGB in [0, 1]",
        output="unit vectors in camera space, x right, y up, z towards the camera",
        weights=(WEIGHTS,),
        speed="slow",
        preset="paper",
        packages={"torch": "torch", "torchvision": "torch", "timm": "torch"},
    )
    outputs = 3

    def forward(self, batch: Any) -> Any:
        return self.model(batch).clamp(0, 1).permute(0, 2, 3, 1) * 2 - 1

    def row(self, values: np.ndarray) -> Row:
        return {"map": unit(values * OPENCV_TO_LAYER)}

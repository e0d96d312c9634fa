"""Surface normals of people by Sapiens2."""

from __future__ import annotations

from typing import Any

import numpy as np

from annotators.base import Card, Row
from annotators.maps import unit
from annotators.torch.sapiens2 import LICENCE, PACKAGES, PADDED, MapsOfPeople
from annotators.weights import Contents, Weight


class Sapiens2Normal(MapsOfPeople):
    """Surface normals of the people in the picture.

    Its frame is taken to be that of the layer: x right, y up, z towards the camera. The owners say no more than "camera frame"
    (docs/NORMAL.md of facebookresearch/sapiens2). What is known of it: mirroring a picture in training negates x alone
    (normal_transforms.py there); of the first Sapiens, whose training data it shares, users report that y and z are the
    negatives of those of Metric3D, which are x right, y down, z into the picture
    (https://github.com/facebookresearch/sapiens/issues/50).
    """

    card = Card(
        kind="normal",
        name="sapiens2",
        version=1,
        summary="surface normals of people by Sapiens2-0.4B, nothing beside them; the larger ones by --weights",
        model="facebook/sapiens2-normal-0.4b (Khirodkar et al. 2026, 0.4 B parameters)",
        licence=LICENCE,
        source="https://huggingface.co/facebook/sapiens2-normal-0.4b",
        protocol=PADDED,
        output=(
            "unit vectors in camera space, x right, y up, z towards the camera; none beside the people of the segmentation layer"
        ),
        weights=(Weight("hf:facebook/sapiens2-normal-0.4b@main", "", 3_600_000_000, contents=Contents("sapiens2")),),
        needs=("segmentation",),
        packages=PACKAGES,
        speed="gpu",
        preset="modern",
    )
    halves = True
    gpu_batch = 8
    model_class = "Sapiens2ForNormalEstimation"

    def forward(self, batch: Any) -> Any:
        import torch

        said = self.model(pixel_values=batch).normals.float()
        return torch.nn.functional.normalize(said, dim=1, eps=1e-8).permute(0, 2, 3, 1)

    def row(self, values: np.ndarray) -> Row:
        return {"map": unit(values)}

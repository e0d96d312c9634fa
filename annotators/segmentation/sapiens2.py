"""Parts of people by Sapiens2."""

from __future__ import annotations

import numpy as np

from annotators.base import Card
from annotators.torch.dense import View
from annotators.torch.sapiens2 import LICENCE, PACKAGES, PROCESSOR, shown_whole
from annotators.torch.segmentation import TransformersSegmentation
from annotators.weights import Contents, Weight

PARTS = (
    *("Background", "Apparel", "Eyeglass", "Face_Neck", "Hair"),
    *("Left_Foot", "Left_Hand", "Left_Lower_Arm", "Left_Lower_Leg", "Left_Shoe", "Left_Sock"),
    *("Left_Upper_Arm", "Left_Upper_Leg", "Lower_Clothing"),
    *("Right_Foot", "Right_Hand", "Right_Lower_Arm", "Right_Lower_Leg", "Right_Shoe", "Right_Sock"),
    *("Right_Upper_Arm", "Right_Upper_Leg", "Torso", "Upper_Clothing"),
    *("Lower_Lip", "Upper_Lip", "Lower_Teeth", "Upper_Teeth", "Tongue"),
)
"""The 29 labels as the owners publish them (docs/SEG.md of facebookresearch/sapiens2)."""


class Sapiens2Segmentation(TransformersSegmentation):
    """28 parts of all people in the picture together."""

    card = Card(
        kind="segmentation",
        name="sapiens2",
        version=1,
        summary="28 parts of people by Sapiens2-0.4B; the larger ones by --weights",
        model="facebook/sapiens2-seg-0.4b (Khirodkar et al. 2026, 0.4 B parameters)",
        licence=LICENCE,
        source="https://huggingface.co/facebook/sapiens2-seg-0.4b",
        protocol=(
            "whole picture to 768 x 1024 (width x height; bilinear, proportions not kept), RGB with ImageNet's mean and "
            "deviation, as the model's own settings say; scores resized to the map (bilinear), no flip"
        ),
        output=f"label ids: {', '.join(f'{index} {name}' for index, name in enumerate(PARTS))}; people are not told apart",
        weights=(Weight("hf:facebook/sapiens2-seg-0.4b@main", "", 3_600_000_000, contents=Contents("sapiens2")),),
        packages=PACKAGES,
        speed="gpu",
        preset="modern",
    )
    halves = True
    gpu_batch = 8
    model_class = "Sapiens2ForSemanticSegmentation"
    processor_class = PROCESSOR
    published = PARTS

    def view(self, rgb: np.ndarray) -> View:
        return shown_whole(self._processor, rgb)

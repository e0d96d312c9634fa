"""Whole-body keypoints by ViTPose-H, the paper's pose estimator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from annotators.base import Card
from annotators.pose.heatmap_pose import HeatmapPose, HeatmapSettings
from annotators.pose.heatmaps import Refinement, decoded, mirrored_back
from annotators.pose.topdown import Crop, around
from annotators.torch.weights import load_strictly, tensors_of
from annotators.weights import Weight, obtain
from schemas.skeletons import WHOLEBODY, WHOLEBODY_FLIP

WEIGHTS = Weight("hf:JunkyByte/easy_ViTPose@main:torch/wholebody/vitpose-h-wholebody.pth", "", 2_549_000_000)
INPUT = (192, 256)
"""(width, height) of what the network is shown."""
STRIDE = 4
"""Pixels of the input for one of the heatmaps."""


class VitPoseSettings(HeatmapSettings):
    """Attributes:
    refinement: between the pixels of a heatmap: a quarter of one towards the higher neighbour, as published, or DARK's step to
    the top of the Gaussian.
    """

    refinement: Refinement = "quarter"


class VitPoseWholebody(HeatmapPose):
    """The 133 points of each person in the person layer."""

    card = Card(
        kind="pose",
        name="vitpose-h-wholebody",
        version=1,
        summary="133 whole-body keypoints by ViTPose-H (the paper's)",
        model="ViTAE-Transformer/ViTPose, ViTPose_huge_wholebody_256x192 (637 M parameters)",
        licence=(
            "Apache-2.0 (ViTPose, and the copy on the hub); COCO-WholeBody, which it was trained on, is for non-commercial "
            "research only"
        ),
        source="https://github.com/ViTAE-Transformer/ViTPose; fetched from a copy on the hub that others keep",
        protocol=(
            "each box lengthened to 3:4 and padded by 1.25, affine to 192 x 256, ImageNet's mean and deviation, flip test with "
            "the mirrored heatmaps moved one pixel; a quarter pixel towards the higher neighbour"
        ),
        output=(
            "pixels of the stored picture; confidence is the heatmap's peak, no probability; all 133 are looked for, also those "
            "that are hidden or outside the picture"
        ),
        weights=(WEIGHTS,),
        needs=("person",),
        packages={"torch": "torch", "cv2": ""},
        speed="slow",
        preset="paper",
    )
    Settings = VitPoseSettings
    settings: VitPoseSettings
    gpu_batch = 64
    takes_a_set = True

    def network(self) -> Any:
        """The network without its weights."""
        from annotators.networks.vitpose import ViTPose

        return ViTPose()

    def build(self) -> Any:
        from annotators.networks.vitpose import as_published

        path = obtain(self.weights[0])
        return load_strictly(self.network(), as_published(tensors_of(path)), path)

    @property
    def slots(self) -> Sequence[int]:
        return range(len(WHOLEBODY))

    def crop(self, box: np.ndarray) -> Crop:
        return around(box, INPUT)

    def head(self) -> Any:
        return self.model.keypoint_head

    def heatmaps(self, images: Any) -> Any:
        """(n, 133, 64, 48)."""
        return self.model(images)

    def mirrored_back(self, heatmaps: Any) -> Any:
        return mirrored_back(heatmaps, WHOLEBODY_FLIP)

    def points(self, heatmaps: Any) -> np.ndarray:
        found = decoded(heatmaps.cpu().numpy(), self.settings.refinement)
        found[..., :2] *= STRIDE
        return found

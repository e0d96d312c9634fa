"""Keypoints by the ViTPose and ViTPose+ models of transformers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from pydantic import Field

from annotators.base import Card
from annotators.cache import WeightError
from annotators.pose import udp
from annotators.pose.heatmap_pose import HeatmapPose, HeatmapSettings
from annotators.torch.pretrained import model, processor
from annotators.weights import Contents, Weight, obtain
from schemas.skeletons import BODY, WHOLEBODY, WHOLEBODY_FLIP

_LAYOUTS = (len(BODY), len(WHOLEBODY))
"""Numbers of points that are COCO's or COCO-WholeBody's, which begin alike."""


class VitPoseTransformersSettings(HeatmapSettings):
    """Attributes:
    expert: of ViTPose+, whose data the experts in its blocks were trained on: 0 COCO, 1 AI Challenger, 2 MPII, 3 AP-10K,
        4 APT-36K, 5 COCO-WholeBody. The published heads are those of COCO.
    """

    expert: int = Field(default=0, ge=0)


class VitPoseTransformers(HeatmapPose):
    """COCO's 17 points of each person in the person layer; all 133 where the weights given have them."""

    card = Card(
        kind="pose",
        name="vitpose-transformers",
        version=1,
        summary="17 body keypoints by ViTPose-B of transformers; the larger models and ViTPose+ by --weights",
        model="usyd-community/vitpose-base-simple (Xu et al., NeurIPS 2022; 86 M parameters)",
        licence="Apache-2.0; COCO's annotations, which it was trained on, are CC-BY-4.0",
        source="https://huggingface.co/usyd-community",
        protocol=(
            "each box lengthened to 3:4 and padded by 1.25, unbiased affine to 192 x 256, ImageNet's mean and deviation, as the "
            "model's own settings say; flip test; DARK"
        ),
        output=(
            "pixels of the stored picture; confidence is the heatmap's peak, no probability; the 17 body points are looked for, "
            "also those that are hidden or outside the picture, and feet, face and hands are not present"
        ),
        weights=(Weight("hf:usyd-community/vitpose-base-simple@main", "", 344_000_000, contents=Contents("vitpose")),),
        needs=("person",),
        packages={"torch": "torch", "transformers": "torch", "cv2": ""},
        speed="medium",
    )
    Settings = VitPoseTransformersSettings
    settings: VitPoseTransformersSettings
    gpu_batch = 64

    def build(self) -> Any:
        folder = obtain(self.weights[0])
        built = model("VitPoseForPoseEstimation", folder, self.dtype)
        shown = processor("VitPoseImageProcessorPil", folder)
        self.mean, self.deviation = shown.image_mean, shown.image_std
        self._size = (shown.size["width"], shown.size["height"])
        self._count = built.config.num_labels
        self._experts = built.config.backbone_config.num_experts
        if self._count not in _LAYOUTS:
            raise WeightError(f"{folder} has {self._count} keypoints: 17 (COCO) or 133 (COCO-WholeBody) are understood")
        if self.settings.expert >= self._experts:
            raise WeightError(f"{folder} has {self._experts} experts: set pose.expert below that, they count from 0")
        return built

    @property
    def slots(self) -> Sequence[int]:
        return range(self._count)

    def crop(self, box: np.ndarray) -> udp.UdpCrop:
        return udp.around(box, self._size)

    def head(self) -> Any:
        return self.model.head

    def heatmaps(self, images: Any) -> Any:
        return self.model(images, dataset_index=self._which(images)).heatmaps

    def _which(self, images: Any) -> Any:
        """The expert of each picture; None where there is but one."""
        import torch

        if self._experts == 1:
            return None
        return torch.full((len(images),), self.settings.expert, device=images.device)

    def mirrored_back(self, heatmaps: Any) -> Any:
        return udp.mirrored_back(heatmaps, WHOLEBODY_FLIP[: self._count])

    def points(self, heatmaps: Any) -> np.ndarray:
        return udp.points_of(heatmaps, self._size, udp.smoothed_as_scipy)

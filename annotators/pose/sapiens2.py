"""Whole-body keypoints by Sapiens2."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from annotators.base import Card
from annotators.cache import WeightError
from annotators.pose import goliath, udp
from annotators.pose.heatmap_pose import HeatmapPose
from annotators.torch.pretrained import model, processor
from annotators.torch.sapiens2 import LICENCE, PACKAGES, PROCESSOR
from annotators.weights import Contents, Weight, obtain
from schemas.skeletons import WHOLEBODY_FLIP

SLOTS = tuple(goliath.COUNTERPARTS)
_TAKEN = tuple(goliath.COUNTERPARTS.values())
_SWAP = tuple(SLOTS.index(WHOLEBODY_FLIP[slot]) for slot in SLOTS)
"""Of each point that is taken, the position of its mirror image among them."""


class Sapiens2Pose(HeatmapPose):
    """Of the 133 points of each person in the person layer those that are among Sapiens' 308."""

    card = Card(
        kind="pose",
        name="sapiens2",
        version=1,
        summary="115 of the 133 whole-body keypoints by Sapiens2-0.4B; the larger ones by --weights",
        model="facebook/sapiens2-pose-0.4b (Khirodkar et al., ICLR 2026; 308 keypoints, 0.43 billion parameters)",
        licence=LICENCE,
        source="https://huggingface.co/facebook/sapiens2-pose-0.4b",
        protocol=(
            "each box lengthened to 3:4 and padded by 1.25, unbiased affine to 768 x 1024, ImageNet's mean and deviation, as the "
            "model's own settings say; flip test; DARK; the 308 points by name to the 133"
        ),
        output=(
            "pixels of the stored picture; confidence is the heatmap's peak, no probability; the jaw without the chin's tip and "
            "the points under the nostrils are not present; a hand's root is the wrist"
        ),
        weights=(Weight("hf:facebook/sapiens2-pose-0.4b@main", "", 3_400_000_000, contents=Contents("sapiens2")),),
        needs=("person",),
        packages={**PACKAGES, "cv2": ""},
        speed="gpu",
        preset="modern",
    )

    def build(self) -> Any:
        folder = obtain(self.weights[0])
        built = model("Sapiens2ForPoseEstimation", folder, self.dtype)
        if built.config.num_labels != goliath.COUNT:
            raise WeightError(f"{folder} has {built.config.num_labels} keypoints, not Sapiens' {goliath.COUNT}")
        shown = processor(PROCESSOR, folder)
        self.mean, self.deviation = shown.image_mean, shown.image_std
        self._size = (shown.size["width"], shown.size["height"])
        return built

    @property
    def slots(self) -> Sequence[int]:
        return SLOTS

    def crop(self, box: np.ndarray) -> udp.UdpCrop:
        return udp.around(box, self._size, smooth=True)

    def head(self) -> Any:
        return self.model.decode_head

    def heatmaps(self, images: Any) -> Any:
        """(n, 115, height / 4, width / 4): of the 308 those that are taken, which go on from here."""
        return self.model(images).heatmaps[:, list(_TAKEN)]

    def mirrored_back(self, heatmaps: Any) -> Any:
        return udp.mirrored_back(heatmaps, _SWAP)

    def points(self, heatmaps: Any) -> np.ndarray:
        return udp.points_of(heatmaps, self._size, udp.smoothed_as_cv2)

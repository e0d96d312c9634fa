"""Whole-body keypoints by ViTPose-H, the paper's pose estimator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from pydantic import Field

from annotators.base import Card, Picture, Row, Unavailable
from annotators.pose.assembly import Skeleton, people_of, pose_row
from annotators.pose.heatmaps import Refinement, decoded, mirrored_back
from annotators.pose.topdown import Crop, around
from annotators.torch.base import TorchAnnotator, TorchSettings
from annotators.torch.batching import flattened, regrouped
from annotators.torch.weights import load_strictly, tensors_of
from annotators.weights import Weight, obtain
from schemas.layers import OK
from schemas.skeletons import WHOLEBODY, WHOLEBODY_FLIP

WEIGHTS = Weight("hf:JunkyByte/easy_ViTPose@main:torch/wholebody/vitpose-h-wholebody.pth", "", 2_549_000_000)
INPUT = (192, 256)
"""(width, height) of what the network is shown."""
STRIDE = 4
"""Pixels of the input for one of the heatmaps."""
MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)
"""ImageNet's, of RGB in [0, 1]."""


class VitPoseSettings(TorchSettings):
    """Attributes:
    min_person_score: people whose box scores less get a row without points, for nobody looks for them.
    flip_test: average the heatmaps of the crop and of its mirror image, as published; without it twice as fast.
    refinement: between the pixels of a heatmap: a quarter of one towards the higher neighbour, as published, or DARK's step to
    the top of the Gaussian.
    """

    min_person_score: float = Field(default=0.3, ge=0, le=1)
    flip_test: bool = True
    refinement: Refinement = "quarter"


class VitPoseWholebody(TorchAnnotator):
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
        packages={"torch": "torch", "huggingface_hub": "torch", "cv2": ""},
        speed="slow",
        preset="paper",
    )
    Settings = VitPoseSettings
    settings: VitPoseSettings
    halves = True
    gpu_batch = 64

    def network(self) -> Any:
        """The network without its weights."""
        from annotators.networks.vitpose import ViTPose

        return ViTPose()

    def build(self) -> Any:
        from annotators.networks.vitpose import as_published

        path = obtain(self.weights[0])
        return load_strictly(self.network(), as_published(tensors_of(path)), path)

    def load(self) -> None:
        """As of all; the decoder stays at float32, for in 16 bits neighbouring pixels of a heatmap become equal."""
        super().load()
        self.model.keypoint_head.float()

    def annotate(self, pictures: Sequence[Picture], needs: Mapping[str, Sequence[Row]]) -> Sequence[Row | Unavailable]:
        people = needs["person"]
        crops = [self._crops(person) for person in people]
        shown, lengths = flattened(
            [[_tensor(crop.cut(picture.rgb)) for crop in group] for picture, group in zip(pictures, crops, strict=True)]
        )
        found = regrouped(self.through(shown, lambda batch, _: self._points(batch)), lengths)
        return [self._row(*three) for three in zip(people, crops, found, strict=True)]

    def _crops(self, person: Row) -> list[Crop]:
        """Of the people that are looked at, in order."""
        if person["status"] != OK:
            return []
        boxes, scores = people_of(person)
        return [around(box, INPUT) for box in boxes[scores >= self.settings.min_person_score]]

    def _points(self, batch: Any) -> list[np.ndarray]:
        """float64 (133, 3) of each crop: x, y in pixels of the heatmap, confidence.

        Args:
            batch: RGB from 0 to 255, (n, 3, 256, 192).
        """
        return list(decoded(self._heatmaps(batch).float().cpu().numpy(), self.settings.refinement))

    def _heatmaps(self, batch: Any) -> Any:
        """(n, 133, 64, 48), averaged over both sides if there is a flip test."""
        rgb = batch.float()
        mean, deviation = (rgb.new_tensor(values)[:, None, None] for values in (MEAN, DEVIATION))
        images = ((rgb / 255 - mean) / deviation).to(batch.dtype)
        heatmaps = self.model(images)
        if not self.settings.flip_test:
            return heatmaps
        return (heatmaps + mirrored_back(self.model(images.flip(3)), WHOLEBODY_FLIP)) / 2

    def _row(self, person: Row, crops: Sequence[Crop], found: Sequence[np.ndarray]) -> Row | Unavailable:
        if person["status"] != OK:
            return Unavailable(f"no person row: {person['reason']}")
        looked_at = people_of(person)[1] >= self.settings.min_person_score
        skeletons = iter([_skeleton(crop, points) for crop, points in zip(crops, found, strict=True)])
        return pose_row([next(skeletons) if looked else Skeleton() for looked in looked_at])


def _tensor(rgb: np.ndarray) -> Any:
    """uint8 (3, height, width): a quarter of the memory that float takes, which matters where there are crowds."""
    import torch

    return torch.from_numpy(rgb).permute(2, 0, 1)


def _skeleton(crop: Crop, points: np.ndarray) -> Skeleton:
    """The person in a crop, whose points are in pixels of its heatmap; a point without confidence stays zeros."""
    placed = np.column_stack([crop.to_picture(STRIDE * points[:, :2]), points[:, 2]])
    skeleton = Skeleton()
    skeleton.looked_for(range(len(WHOLEBODY)), np.where(points[:, 2:] > 0, placed, 0))
    return skeleton

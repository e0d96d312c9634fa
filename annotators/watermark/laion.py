"""Visible watermarks by LAION's detector, with which LAION-5B's ``pwatermark`` was made."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from annotators.base import Card
from annotators.torch.timm_classifier import TimmClassifier
from annotators.torch.whole_squares import whole_square
from annotators.weights import Weight

SIDE = 256


class Laion(TimmClassifier):
    """An EfficientNet-B3 of timm, whose classifier has two hidden layers; classes are watermark and clear."""

    card = Card(
        kind="watermark",
        name="laion",
        version=1,
        summary="probability of a visible watermark by LAION's EfficientNet-B3",
        model="LAION-AI/LAION-5B-WatermarkDetection, watermark_model_v1, as finetrainers/laion-watermark-detection has it",
        licence="none is stated in the owners' repository",
        source="https://github.com/LAION-AI/LAION-5B-WatermarkDetection; a copy at https://huggingface.co/finetrainers",
        protocol="whole picture to 256 x 256 (bilinear, proportions not kept), ImageNet's mean and deviation; no flip",
        output="probability in [0, 1]; its owners call 0.5 and more a watermark; takes other writing on a picture for one too",
        weights=(Weight("hf:finetrainers/laion-watermark-detection@main:watermark_model_v1.pt", "", 47_500_000),),
        packages={"torch": "torch", "timm": "torch", "torchvision": "torch"},
        speed="fast",
        preset="paper",
    )
    architecture: ClassVar[str] = "efficientnet_b3"
    index = 0

    def network(self) -> Any:
        import timm
        from torch import nn

        body: Any = timm.create_model(self.architecture, num_classes=2)
        body.classifier = nn.Sequential(
            nn.Linear(body.num_features, 625),
            nn.ReLU(),
            nn.Dropout(0.3),
            nn.Linear(625, 256),
            nn.ReLU(),
            nn.Linear(256, 2),
        )
        return body

    def input(self, rgb: np.ndarray) -> Any:
        return whole_square(rgb, SIDE)

"""Sexually explicit pictures by Marqo's small ViT."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from annotators.base import Card
from annotators.torch.timm_classifier import TimmClassifier
from annotators.weights import Weight


class Marqo(TimmClassifier):
    """A ViT-Ti/16 of timm with the classes ``NSFW`` and ``SFW``."""

    card = Card(
        kind="safety",
        name="marqo",
        version=1,
        summary="probability of content not safe for work by Marqo's ViT-Ti at 384 x 384",
        model="Marqo/nsfw-image-detection-384",
        licence="Apache-2.0",
        source="https://huggingface.co/Marqo/nsfw-image-detection-384",
        protocol="shorter side to 384 (bicubic), middle square, values in [-1, 1]; no flip",
        output=(
            "probability of NSFW in [0, 1], of photographs, drawings and generated pictures; sees only the middle square, and "
            "says nothing of age"
        ),
        weights=(Weight("hf:Marqo/nsfw-image-detection-384@main:model.safetensors", "", 22_400_000),),
        packages={"torch": "torch", "timm": "torch", "torchvision": "torch"},
        speed="fast",
        preset="modern",
    )
    architecture: ClassVar[str] = "vit_tiny_patch16_384"
    side: ClassVar[int] = 384
    index = 0
    halves = True

    def network(self) -> Any:
        import timm

        return timm.create_model(self.architecture, num_classes=2)

    def build(self) -> Any:
        from timm.data import create_transform

        self._transform = create_transform(
            (3, self.side, self.side),
            interpolation="bicubic",
            mean=(0.5, 0.5, 0.5),
            std=(0.5, 0.5, 0.5),
            crop_pct=1.0,
            crop_mode="center",
        )
        return super().build()

    def input(self, rgb: np.ndarray) -> Any:
        from PIL import Image

        return self._transform(Image.fromarray(rgb))

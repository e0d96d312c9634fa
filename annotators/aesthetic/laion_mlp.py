"""Aesthetic scores by the improved aesthetic predictor, with which LAION-Aesthetics was made."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from annotators.base import Card
from annotators.torch.clip_images import OPENAI_L14 as CLIP
from annotators.torch.clip_images import OPENAI_L14_ARCHITECTURE, ClipImages
from annotators.torch.head_on_tower import HeadOnTower
from annotators.weights import Weight

HEAD = Weight(
    "https://github.com/christophschuhmann/improved-aesthetic-predictor/raw/main/sac+logos+ava1-l14-linearMSE.pth",
    "21dd590f3ccdc646f0d53120778b296013b096a035a2718c9cb0d511bff0f1e0",
    3_714_759,
)


class LaionMlp(HeadOnTower):
    """One score a picture."""

    card = Card(
        kind="aesthetic",
        name="improved-aesthetic",
        version=1,
        summary="the improved aesthetic predictor: CLIP ViT-L/14 and an MLP (the paper's, which drops below 4.5)",
        model="christophschuhmann/improved-aesthetic-predictor, sac+logos+ava1-l14-linearMSE, on OpenAI's CLIP ViT-L/14",
        licence="Apache-2.0 (head); MIT (CLIP, OpenAI)",
        source="https://github.com/christophschuhmann/improved-aesthetic-predictor; CLIP from https://huggingface.co/timm",
        protocol="shorter side to 224 (bicubic), middle square, CLIP's mean and deviation; embedding at length 1; no flip",
        output=(
            "a score on its own scale, about 1 to 10, mostly 4 to 7 on photographs: how people rated SAC, LAION-Logos and AVA "
            "pictures; sees only the middle square"
        ),
        weights=(CLIP, HEAD),
        packages={"torch": "torch", "torchvision": "torch", "open_clip": "torch"},
        speed="medium",
        preset="paper",
    )
    architecture: ClassVar[str] = OPENAI_L14_ARCHITECTURE

    def images(self, weights: Path) -> ClipImages:
        return ClipImages.of(self.architecture, weights)

    def head(self) -> Any:
        from annotators.networks.aesthetic_mlp import AestheticMlp

        return AestheticMlp()

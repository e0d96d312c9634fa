"""Sexually explicit pictures by LAION's CLIP-based NSFW detector, with which LAION-5B's ``punsafe`` was made."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from annotators.base import Card
from annotators.torch.clip_images import OPENAI_L14, OPENAI_L14_ARCHITECTURE, ClipImages
from annotators.torch.head_on_tower import HeadOnTower
from annotators.weights import Weight

HEAD = Weight(
    "https://github.com/LAION-AI/CLIP-based-NSFW-Detector/raw/21072a2a38e6d2bb294be03c005aaa9a65778e47/models/"
    "clip_ViT-L-14_openai_binary_nsfw_head.pth",
    "",
    868_000,
)


class LaionClip(HeadOnTower):
    """A head of four layers on the embeddings of OpenAI's CLIP ViT-L/14."""

    card = Card(
        kind="safety",
        name="laion-clip",
        version=1,
        summary="probability of sexually explicit content by LAION's head on CLIP ViT-L/14",
        model=("LAION-AI/CLIP-based-NSFW-Detector, clip_ViT-L-14_openai_binary_nsfw_head, on OpenAI's CLIP ViT-L/14"),
        licence="MIT (head, C. Schuhmann); MIT (CLIP, OpenAI)",
        source="https://github.com/LAION-AI/CLIP-based-NSFW-Detector; CLIP from https://huggingface.co/timm",
        protocol="shorter side to 224 (bicubic), middle square, CLIP's mean and deviation; embedding at length 1; no flip",
        output="probability in [0, 1]; knows only sexual content; sees only the middle square, and says nothing of age",
        weights=(OPENAI_L14, HEAD),
        packages={"torch": "torch", "torchvision": "torch", "open_clip": "torch"},
        speed="medium",
        preset="paper",
    )
    architecture: ClassVar[str] = OPENAI_L14_ARCHITECTURE

    def images(self, weights: Path) -> ClipImages:
        return ClipImages.of(self.architecture, weights)

    def head(self) -> Any:
        from annotators.networks.clip_nsfw_mlp import ClipNsfwMlp

        return ClipNsfwMlp()

"""Embeddings of pictures by OpenAI's CLIP ViT-L/14."""

from __future__ import annotations

from typing import ClassVar

from annotators.base import Card
from annotators.embedding.picture_embedding import PictureEmbedding
from annotators.torch.clip_images import OPENAI_L14, OPENAI_L14_ARCHITECTURE, ClipImages
from annotators.weights import obtain


class ClipL14(PictureEmbedding):
    """One vector a picture, as LAION's indexes have them (Radford et al., "Learning Transferable Visual Models From Natural
    Language Supervision", ICML 2021)."""

    card = Card(
        kind="embedding",
        name="clip-l14",
        version=1,
        summary="the picture's embedding by OpenAI's CLIP ViT-L/14, 768 numbers",
        model="OpenAI's CLIP ViT-L/14, as open_clip has it",
        licence="MIT (CLIP, OpenAI)",
        source="https://huggingface.co/timm/vit_large_patch14_clip_224.openai",
        protocol="shorter side to 224 (bicubic), middle square, CLIP's mean and deviation; the image tower's projection; no flip",
        output="768 float32 numbers, of length 1; sees only the middle square, and is to be compared with its own like alone",
        weights=(OPENAI_L14,),
        packages={"torch": "torch", "torchvision": "torch", "open_clip": "torch"},
        speed="medium",
        preset="paper",
    )
    architecture: ClassVar[str] = OPENAI_L14_ARCHITECTURE

    def width(self) -> int:
        return 768

    def images(self) -> ClipImages:
        return ClipImages.of(self.architecture, obtain(self.weights[0]))

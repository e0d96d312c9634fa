"""Embeddings of pictures by SigLIP 2."""

from __future__ import annotations

from annotators.base import Card
from annotators.embedding.picture_embedding import PictureEmbedding
from annotators.torch import siglip
from annotators.torch.siglip import SIGLIP2, SiglipImages
from annotators.weights import obtain


class Siglip2(PictureEmbedding):
    """One vector a picture (Tschannen et al., "SigLIP 2: Multilingual Vision-Language Encoders with Improved Semantic
    Understanding, Localization, and Dense Features", 2025)."""

    card = Card(
        kind="embedding",
        name="siglip2",
        version=1,
        summary="the picture's embedding by SigLIP 2 So400m, 1152 numbers",
        model="google/siglip2-so400m-patch14-384",
        licence="Apache-2.0",
        source="https://huggingface.co/google/siglip2-so400m-patch14-384",
        protocol="whole picture to 384 x 384 (proportions not kept), values in [-1, 1]; pooled by the model's attention; no flip",
        output="1152 float32 numbers, of length 1; to be compared with its own like alone",
        weights=(SIGLIP2,),
        packages={"torch": "torch", "transformers": "torch", "torchvision": "torch"},
        speed="slow",
        preset="modern",
    )

    def width(self) -> int:
        return siglip.width(obtain(self.weights[0]))

    def images(self) -> SiglipImages:
        return SiglipImages.of(obtain(self.weights[0]))

"""Pictures compared with texts by SigLIP 2."""

from __future__ import annotations

from dataclasses import replace

from annotators.base import Card
from annotators.similarity.picture_and_text import PictureAndText
from annotators.similarity.words import from_layer
from annotators.torch import siglip
from annotators.torch.siglip import SIGLIP2
from annotators.torch.towers import Pair
from annotators.weights import obtain


class Siglip2(PictureAndText):
    """The picture with the source's caption (Tschannen et al., "SigLIP 2: Multilingual Vision-Language Encoders with Improved
    Semantic Understanding, Localization, and Dense Features", 2025)."""

    card = Card(
        kind="similarity",
        name="siglip2",
        version=1,
        summary="cosine between picture and source caption by SigLIP 2 So400m",
        model="google/siglip2-so400m-patch14-384",
        licence="Apache-2.0",
        source="https://huggingface.co/google/siglip2-so400m-patch14-384",
        protocol=(
            "whole picture to 384 x 384 (proportions not kept), values in [-1, 1]; the caption in lower case as Gemma's tokens, "
            "the first 63 and an end token, padded to 64, no prompt"
        ),
        output=(
            "cosine in [-1, 1], lower than CLIP's for the same pair; many languages; truncated where the caption has more than "
            "63 tokens; without a caption no score"
        ),
        weights=(SIGLIP2,),
        packages={"torch": "torch", "transformers": "torch", "torchvision": "torch"},
        speed="slow",
        preset="modern",
    )

    def pair(self) -> Pair:
        return siglip.pair(obtain(self.weights[0]))


class Siglip2Caption(Siglip2):
    """The picture with the text of its caption layer."""

    card = replace(
        Siglip2.card,
        name="siglip2-caption",
        summary="cosine between picture and caption layer by SigLIP 2 So400m",
        needs=("caption",),
    )
    words = staticmethod(from_layer)

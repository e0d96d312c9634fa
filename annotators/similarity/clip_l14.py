"""Pictures compared with texts by OpenAI's CLIP ViT-L/14."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from annotators.base import Card
from annotators.similarity.picture_and_text import PictureAndText
from annotators.similarity.words import from_layer
from annotators.torch import clip_texts
from annotators.torch.clip_images import OPENAI_L14, OPENAI_L14_ARCHITECTURE
from annotators.torch.towers import Pair
from annotators.weights import obtain


class ClipL14(PictureAndText):
    """The picture with the source's caption (Radford et al., "Learning Transferable Visual Models From Natural Language
    Supervision", ICML 2021)."""

    card = Card(
        kind="similarity",
        name="clip-l14",
        version=1,
        summary="cosine between picture and source caption by OpenAI's CLIP ViT-L/14",
        model="OpenAI's CLIP ViT-L/14, as open_clip has it",
        licence="MIT (CLIP, OpenAI)",
        source="https://huggingface.co/timm/vit_large_patch14_clip_224.openai",
        protocol=(
            "shorter side to 224 (bicubic), middle square, CLIP's mean and deviation; the caption in lower case as byte pairs, "
            "its first 75 tokens, no prompt"
        ),
        output=(
            "cosine in [-1, 1], mostly 0.1 to 0.35; English only; truncated where the caption has more than 75 tokens; without a "
            "caption no score"
        ),
        weights=(OPENAI_L14,),
        packages={"torch": "torch", "torchvision": "torch", "open_clip": "torch"},
        speed="medium",
        preset="paper",
    )
    architecture: ClassVar[str] = OPENAI_L14_ARCHITECTURE

    def pair(self) -> Pair:
        return clip_texts.pair(self.architecture, obtain(self.weights[0]))


class ClipL14Caption(ClipL14):
    """The picture with the text of its caption layer."""

    card = replace(
        ClipL14.card,
        name="clip-l14-caption",
        summary="cosine between picture and caption layer by OpenAI's CLIP ViT-L/14",
        needs=("caption",),
    )
    words = staticmethod(from_layer)

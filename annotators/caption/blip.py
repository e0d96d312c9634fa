"""Captions by BLIP, which HyperHuman's paper names beside BLIP-2."""

from __future__ import annotations

from typing import Any

from annotators.base import Card
from annotators.caption.transformers_captioner import Beginning, PromptedSettings, TransformersCaptioner
from annotators.weights import Contents, Weight


class Blip(TransformersCaptioner):
    """One sentence by BLIP (Li et al., "BLIP: Bootstrapping Language-Image Pre-training for Unified Vision-Language Understanding
    and Generation", ICML 2022), fine-tuned on captions of COCO."""

    model_class = "BlipForConditionalGeneration"
    processor_class = "BlipProcessor"
    Settings = PromptedSettings
    settings: PromptedSettings

    card = Card(
        kind="caption",
        name="blip",
        version=1,
        summary="one sentence by BLIP (ViT-L), fine-tuned on captions of COCO",
        model="Salesforce/blip-image-captioning-large",
        licence="BSD-3-Clause",
        source="https://huggingface.co/Salesforce/blip-image-captioning-large",
        protocol=(
            "whole picture to 384 x 384 (bicubic, proportions not kept), CLIP's mean and deviation; beam search of 3, 30 tokens "
            "at most, no prompt"
        ),
        output="English, lower case, one sentence of about ten words; it may name what is not there",
        weights=(
            Weight("hf:Salesforce/blip-image-captioning-large@main", "", 1_880_000_000, contents=Contents("blip")),
        ),
        packages={"torch": "torch", "transformers": "torch", "torchvision": "torch"},
        speed="slow",
        preset="paper",
    )

    def beginning(self, config: Any) -> Beginning:
        """[CLS], the prompt, [SEP]: BLIP puts its own token for [CLS], and takes [SEP] off before it goes on."""
        tokens = self.processor.tokenizer(self.settings.prompt).input_ids
        return Beginning(tuple(tokens), len(tokens) - 1)

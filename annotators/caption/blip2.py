"""Captions by BLIP-2, the captioner of HyperHuman's paper."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from annotators.base import Card
from annotators.cache import WeightError
from annotators.caption.transformers_captioner import Beginning, PromptedSettings, TransformersCaptioner
from annotators.weights import Contents, Weight


class Blip2Settings(PromptedSettings):
    """Attributes:
    beams: as for every captioner; five, as in the owners' code.
    """

    beams: int = Field(default=5, ge=1)


class Blip2(TransformersCaptioner):
    """One sentence by BLIP-2 (Li et al., "BLIP-2: Bootstrapping Language-Image Pre-training with Frozen Image Encoders and Large
    Language Models", ICML 2023) with OPT of 2.7 billion parameters."""

    model_class = "Blip2ForConditionalGeneration"
    processor_class = "Blip2Processor"
    Settings = Blip2Settings
    settings: Blip2Settings

    gpu_batch = 16

    card = Card(
        kind="caption",
        name="blip-2",
        version=1,
        summary="one sentence by BLIP-2 with OPT-2.7b, as in HyperHuman's paper; large, for a GPU",
        model="Salesforce/blip2-opt-2.7b (3.7 billion parameters)",
        licence=(
            "MIT, as its page on the hub says; the language model in it is Meta's OPT, whose own licence is for "
            "non-commercial research"
        ),
        source="https://huggingface.co/Salesforce/blip2-opt-2.7b",
        protocol=(
            "whole picture to 224 x 224 (bicubic, proportions not kept), CLIP's mean and deviation; beam search of 5, 30 tokens "
            "at most, no prompt"
        ),
        output="English, lower case, one sentence of about ten words; it may name what is not there",
        weights=(Weight("hf:Salesforce/blip2-opt-2.7b@main", "", 15_000_000_000, contents=Contents("blip-2")),),
        packages={"torch": "torch", "transformers": "torch", "torchvision": "torch"},
        speed="gpu",
        preset="paper",
    )

    def beginning(self, config: Any) -> Beginning:
        """A token for each of the picture's queries, then the language model's first token, then the prompt: left to right, so
        that it goes on from the prompt's last word."""
        if not config.use_decoder_only_language_model:
            raise WeightError(
                f"blip-2 needs a model that goes on from a text, as OPT does; this one holds {config.text_config.model_type}: "
                "give weights such as Salesforce/blip2-opt-2.7b or blip2-opt-6.7b"
            )
        if config.image_token_index is None:
            raise WeightError("blip-2 needs image_token_index in the model's config.json: take a later revision of it")
        words = self.processor.tokenizer(self.settings.prompt, add_special_tokens=False).input_ids
        queries = [config.image_token_index] * config.num_query_tokens
        tokens = (*queries, config.text_config.bos_token_id, *words)
        return Beginning(tokens, len(tokens))

"""Captions by Qwen-VL, a model that is asked in words: any style, any language."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from annotators.base import Card, Picture, Row, Unavailable
from annotators.cache import WeightError
from annotators.caption.transformers_captioner import Beginning, CaptionSettings, TransformersCaptioner
from annotators.weights import Contents, Weight

Style = Literal["sentence", "detailed", "people", "tags"]
STYLES: dict[Style, str] = {
    "sentence": "Describe this picture in one sentence.",
    "detailed": (
        "Describe this picture in one paragraph: the people, what they do and wear, the objects, the place and the light. "
        "Say only what can be seen."
    ),
    "people": (
        "Describe each person in this picture in one sentence: posture, action, clothing. Say only what can be seen, and do not "
        "guess who they are."
    ),
    "tags": "List what this picture shows as at most fifteen short tags in lower case, separated by commas, and nothing else.",
}
"""How a caption is to be -> what the model is asked."""

LANGUAGES = {
    "ar": "Arabic",
    "de": "German",
    "en": "English",
    "es": "Spanish",
    "fr": "French",
    "hi": "Hindi",
    "id": "Indonesian",
    "it": "Italian",
    "ja": "Japanese",
    "ko": "Korean",
    "nl": "Dutch",
    "pl": "Polish",
    "pt": "Portuguese",
    "ru": "Russian",
    "tr": "Turkish",
    "uk": "Ukrainian",
    "vi": "Vietnamese",
    "zh": "Chinese",
}
"""Tags of languages (BCP 47) -> what the model is told; of any other language it is told the tag."""


_TAG = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")
"""The form of a BCP 47 tag; whether there is such a language is not looked up."""


class QwenVlSettings(CaptionSettings):
    """Attributes:
    style: of a caption; a key of ``STYLES``.
    language: of a caption, as a BCP 47 tag such as ``de`` or ``pt-BR``.
    prompt: your own question instead of that of ``style`` and ``language``; it is asked as it stands. ``language`` is then
    what it asks for.
    min_pixels: a smaller picture is enlarged to so many. A token shows 32 x 32 of them.
    max_pixels: a larger picture is made smaller to so many.
    beams: as for every captioner; one, for the most probable token each time.
    max_new_tokens: as for every captioner; room for a paragraph.
    """

    style: Style = "detailed"
    language: str = "en"
    prompt: str = ""
    min_pixels: int = Field(default=256 * 256, ge=1)
    max_pixels: int = Field(default=1024 * 1024, ge=1)
    beams: int = Field(default=1, ge=1)
    max_new_tokens: int = Field(default=256, ge=1)

    @field_validator("language")
    @classmethod
    def _tag(cls, language: str) -> str:
        if not _TAG.fullmatch(language):
            raise ValueError(f"{language!r} is no tag of a language (BCP 47): give one such as de or pt-BR")
        return language

    @model_validator(mode="after")
    def _in_order(self) -> QwenVlSettings:
        if self.min_pixels > self.max_pixels:
            raise ValueError(f"min_pixels {self.min_pixels} is more than max_pixels {self.max_pixels}")
        return self


def question(settings: QwenVlSettings) -> str:
    """What the model is asked about each picture."""
    if settings.prompt:
        return settings.prompt
    named = LANGUAGES.get(settings.language, f"the language with the tag {settings.language}")
    return f"{STYLES[settings.style]} Answer in {named}."


@dataclass(frozen=True)
class Shown:
    """A picture that waits for its batch.

    Attributes:
        rgb: uint8 (height, width, 3).
        shape: pixels that the model may see of it at the most, as ``annotators.torch.batching`` takes a shape: the same for
            all, since pictures of any size go together.
    """

    rgb: Any
    shape: tuple[int, int]


class QwenVl(TransformersCaptioner):
    """Captions by Qwen3-VL-4B-Instruct ("Qwen3-VL Technical Report", 2025).

    Pictures of a batch have different numbers of tokens; shorter questions are padded on the left and the padding is masked, so
    that each answer goes on from the question's last token. The model looks at each picture by itself.
    """

    model_class = "Qwen3VLForConditionalGeneration"
    processor_class = "Qwen3VLProcessor"
    Settings = QwenVlSettings
    settings: QwenVlSettings

    gpu_batch = 16

    card = Card(
        kind="caption",
        name="qwen-vl",
        version=1,
        summary="captions in any style and language by Qwen3-VL-4B-Instruct, which is asked in words",
        model="Qwen/Qwen3-VL-4B-Instruct (4.4 billion parameters)",
        licence="Apache-2.0",
        source="https://huggingface.co/Qwen/Qwen3-VL-4B-Instruct",
        protocol=(
            "whole picture, proportions kept to multiples of 32, 0.07 to 1 million pixels (bicubic), values in [-1, 1]; one "
            "question in the model's own chat template; the most probable token each time, 256 at most"
        ),
        output="style and language as set; it may name what is not there; what is cut off at max_new_tokens stays cut off",
        weights=(Weight("hf:Qwen/Qwen3-VL-4B-Instruct@main", "", 8_880_000_000, contents=Contents("qwen3_vl")),),
        packages={"torch": "torch", "transformers": "torch", "torchvision": "torch"},
        speed="gpu",
        preset="modern",
    )

    def beginning(self, config: Any) -> Beginning:
        """The chat up to where the model's answer begins, with one token where a picture's many will stand."""
        content = [{"type": "image"}, {"type": "text", "text": question(self.settings)}]
        try:
            self._chat = self.processor.apply_chat_template(
                [{"role": "user", "content": content}], tokenize=False, add_generation_prompt=True
            )
        except ValueError as error:
            raise WeightError(
                "qwen-vl needs the chat template that is published beside the weights, in chat_template.jinja or "
                "tokenizer_config.json: copy it into the folder"
            ) from error
        tokens = self.processor.tokenizer(self._chat, add_special_tokens=False).input_ids
        if tokens.count(config.image_token_id) != 1:
            raise WeightError(
                f"qwen-vl asks about one picture, and the chat template of these weights makes room for "
                f"{tokens.count(config.image_token_id)}: take the template that is published beside them"
            )
        self._size = {"shortest_edge": self.settings.min_pixels, "longest_edge": self.settings.max_pixels}
        return Beginning(tuple(tokens), len(tokens))

    def annotate(self, pictures: Sequence[Picture], needs: Mapping[str, Sequence[Row]]) -> Sequence[Row | Unavailable]:
        import torch

        shown = [Shown(picture.rgb, (1, self.settings.max_pixels)) for picture in pictures]
        with torch.inference_mode():
            texts = self._batches.run(shown, lambda positions: self._said([shown[at].rgb for at in positions]))
        return [{"text": text, "language": self.settings.language, "method": self.card.name} for text in texts]

    def _said(self, pictures: Sequence[Any]) -> list[str]:
        """The captions of pictures, uint8 (height, width, 3) each."""
        asked = self.processor(
            text=[self._chat] * len(pictures),
            images=[picture.copy() for picture in pictures],
            images_kwargs={"size": self._size, "input_data_format": "channels_last"},
            text_kwargs={"padding": True, "padding_side": "left", "add_special_tokens": False},
            return_tensors="pt",
        )
        given = {name: value.to(self.place) for name, value in asked.items()}
        given["pixel_values"] = given["pixel_values"].to(self.dtype)
        return self.generated(given, echoed=given["input_ids"].shape[1])

"""Captions of a model of the transformers library that writes text about a picture: what all of them have in common.

The text that a model is asked to go on from is the same for all pictures, so that nothing is padded before it. What is said of a
picture ends at its own end token; what stands behind that in a batch with longer captions is padding, and is taken off.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from annotators.base import Picture, Row, Unavailable
from annotators.torch.base import TorchAnnotator, TorchSettings
from annotators.torch.pretrained import model, processor
from annotators.weights import obtain


class CaptionSettings(TorchSettings):
    """Attributes:
    beams: of the search for the most probable text; 1 takes the most probable token each time. Nothing is drawn at random.
    max_new_tokens: at which a caption is cut off.
    """

    beams: int = Field(default=3, ge=1)
    max_new_tokens: int = Field(default=30, ge=1)


class PromptedSettings(CaptionSettings):
    """Attributes:
    prompt: words that the caption goes on from, as ``a photo of``. They are no part of its text.
    """

    prompt: str = ""


@dataclass(frozen=True)
class Beginning:
    """What a model is given beside the picture.

    Attributes:
        tokens: ids.
        echoed: how many tokens of its answer repeat them.
    """

    tokens: tuple[int, ...]
    echoed: int


class TransformersCaptioner(TorchAnnotator):
    """Name the model's class and its processor's, write ``beginning`` and the card, whose only weight is the model's folder.

    The setting ``compile`` changes nothing: text is made by ``generate``, which torch.compile leaves as it is.
    """

    Settings = CaptionSettings
    settings: CaptionSettings

    model_class: ClassVar[str]
    """In transformers; has ``generate``, which takes ``pixel_values`` (n, 3, height, width) and ``input_ids`` (n, tokens)."""
    processor_class: ClassVar[str]
    """In transformers; has ``image_processor`` and ``tokenizer``."""

    halves = True
    gpu_batch = 32

    def build(self) -> Any:
        folder = obtain(self.weights[0])
        found = model(self.model_class, folder, self.dtype)
        self.processor = processor(self.processor_class, folder)
        self._beginning = self.beginning(found.config)
        return _without_length(found)

    @abstractmethod
    def beginning(self, config: Any) -> Beginning:
        """What each picture's text begins with.

        Args:
            config: the model's configuration; ``self.processor`` is there too.

        Raises:
            WeightError: if the model is of a sort that cannot be asked this way.
        """

    def annotate(self, pictures: Sequence[Picture], needs: Mapping[str, Sequence[Row]]) -> Sequence[Row | Unavailable]:
        inputs = [self._input(picture.rgb) for picture in pictures]
        texts = self.through(inputs, lambda batch, positions: self._texts(batch))
        return [{"text": text, "language": "en", "method": self.card.name} for text in texts]

    def _input(self, rgb: np.ndarray) -> Any:
        """A picture as the model wants it, float tensor (3, height, width)."""
        made = self.processor.image_processor(
            images=np.array(rgb), input_data_format="channels_last", return_tensors="pt"
        )
        return made["pixel_values"][0]

    def _texts(self, batch: Any) -> list[str]:
        """The captions of pictures (n, 3, height, width)."""
        import torch

        begun = torch.tensor([self._beginning.tokens] * len(batch), device=batch.device)
        given = {"pixel_values": batch, "input_ids": begun, "attention_mask": torch.ones_like(begun)}
        return self.generated(given, self._beginning.echoed)

    def generated(self, given: Mapping[str, Any], echoed: int) -> list[str]:
        """What the model says, without its special tokens.

        Args:
            given: for ``generate``, a batch, on the device.
            echoed: how many tokens of each answer repeat what was given.
        """
        answers = self.model.generate(
            **given,
            num_beams=self.settings.beams,
            max_new_tokens=self.settings.max_new_tokens,
            do_sample=False,
        )
        said = self.processor.tokenizer.batch_decode(answers[:, echoed:].cpu(), skip_special_tokens=True)
        return [" ".join(text.split()) for text in said]


def _without_length(model: Any) -> Any:
    """``model`` without a length of its own: beside ``max_new_tokens`` it is not used, but warned of at every batch."""
    for part in model.modules():
        if getattr(part, "generation_config", None) is not None:
            part.generation_config.max_length = None
    return model

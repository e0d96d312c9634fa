"""The states of a caption's tokens by the text encoder of a latent diffusion model: a cache for the trainer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from annotators.base import Picture, Row, Unavailable
from annotators.cache import WeightError
from annotators.prompt.captions import from_source
from annotators.torch.base import TorchAnnotator
from annotators.torch.pretrained import model, processor
from annotators.weights import obtain

ENCODER, TOKENIZER = "CLIPTextModel", "CLIPTokenizer"


class PromptStates(TorchAnnotator):
    """Give the card, and ``text_of`` where it is not the source's caption."""

    looks = False
    gpu_batch = 64
    text_of = staticmethod(from_source)
    """The text of a picture, or why there is none: a function of ``annotators.prompt.captions``."""

    def describes(self) -> dict[str, Any]:
        """Of which captions they are, by which encoder, how many tokens, and how many numbers of each."""
        from humanverse.models import identity

        encoder, tokenizer = self._parts()
        return {
            **super().describes(),
            "of": self.card.needs[0] if self.card.needs else "source",
            "encoder": identity.of_text(encoder, tokenizer),
            "tokens": int(tokenizer.model_max_length),
            "width": int(encoder.config.hidden_size),
        }

    def build(self) -> Any:
        encoder, self._tokenizer = self._parts()
        return encoder

    def annotate(self, pictures: Sequence[Picture], needs: Mapping[str, Sequence[Row]]) -> Sequence[Row | Unavailable]:
        texts = [
            self.text_of(picture, {kind: rows[index] for kind, rows in needs.items()})
            for index, picture in enumerate(pictures)
        ]
        said = [(place, text) for place, text in enumerate(texts) if isinstance(text, str)]
        states = dict(zip((place for place, _ in said), self._states([text for _, text in said]), strict=True))
        return [
            text if isinstance(text, Unavailable) else {"text": text, "map": states[place], "map_box": _whole(picture)}
            for place, (picture, text) in enumerate(zip(pictures, texts, strict=True))
        ]

    def _states(self, texts: Sequence[str]) -> list[np.ndarray]:
        """float32 (tokens, width) each."""
        import torch

        from humanverse.models.texts import states

        def answer(batch: Any, places: list[int]) -> list[np.ndarray]:
            found = states(self.model, self._tokenizer, [texts[place] for place in places], self.place)
            return list(found.float().cpu().numpy())

        return self.through([torch.zeros(1, 1) for _ in texts], answer)

    def _parts(self) -> tuple[Any, Any]:
        """Encoder, on the CPU and float32, and tokenizer, which cuts a text at as many tokens as the encoder has places for."""
        folder = obtain(self.weights[0])
        for name in ("text_encoder", "tokenizer"):
            if not (folder / name).is_dir():
                raise WeightError(
                    f"{folder} has no {name}: give a folder of a pipeline with one, as diffusers saves it"
                )
        encoder, tokenizer = model(ENCODER, folder / "text_encoder"), processor(TOKENIZER, folder / "tokenizer")
        tokenizer.model_max_length = min(tokenizer.model_max_length, encoder.config.max_position_embeddings)
        return encoder, tokenizer


def _whole(picture: Picture) -> list[float]:
    if picture.size is None:
        raise ValueError("the picture has no size that can be read")
    return [0.0, 0.0, float(picture.size[0]), float(picture.size[1])]

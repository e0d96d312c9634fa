"""How well a picture and a text about it go together: the cosine between their embeddings."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from annotators.base import Picture, Row, Unavailable
from annotators.similarity.words import from_source
from annotators.torch.base import TorchAnnotator
from annotators.torch.towers import Pair, Tokens, normalised


class PictureAndText(TorchAnnotator):
    """Write ``pair`` and the card."""

    halves = True
    gpu_batch = 64
    score_range = (-1.0, 1.0)
    words = staticmethod(from_source)
    """The text of a picture, or why there is none: a function of ``annotators.similarity.words``."""

    @abstractmethod
    def pair(self) -> Pair:
        """Both towers, on the CPU."""

    def build(self) -> Any:
        self._pair = self.pair()
        return self._pair.model

    def annotate(self, pictures: Sequence[Picture], needs: Mapping[str, Sequence[Row]]) -> Sequence[Row | Unavailable]:
        words = [
            self.words(picture, {kind: rows[index] for kind, rows in needs.items()})
            for index, picture in enumerate(pictures)
        ]
        scored = iter(
            self._rows(
                [(picture, text) for picture, text in zip(pictures, words, strict=True) if isinstance(text, str)]
            )
        )
        return [next(scored) if isinstance(text, str) else text for text in words]

    def _rows(self, pairs: Sequence[tuple[Picture, str]]) -> list[Row]:
        texts = [self._pair.texts.tokens(text) for _, text in pairs]
        inputs = [self._pair.images.input(picture.rgb) for picture, _ in pairs]
        scores = self.through(inputs, lambda batch, places: self._scores(batch, [texts[place] for place in places]))
        return [{"score": score, "truncated": text.truncated} for score, text in zip(scores, texts, strict=True)]

    def _scores(self, batch: Any, texts: Sequence[Tokens]) -> list[float]:
        """The cosine of each picture of a batch (n, 3, height, width) with its text."""
        import torch

        pictures, words = self.model(batch, torch.stack([text.ids for text in texts]).to(batch.device))
        scores: list[float] = (normalised(pictures) * normalised(words)).sum(dim=-1).tolist()
        return scores

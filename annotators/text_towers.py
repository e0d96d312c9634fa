"""Texts as vectors that can be compared with the pictures' of an embedding layer: the other tower of the model that made it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from annotators import own_weights, registry
from annotators.similarity.picture_and_text import PictureAndText
from annotators.torch.towers import Pair, normalised
from annotators.weights import standing_in
from humanverse.errors import UserError
from humanverse.torchvision_operators import prepare_torchvision

_BATCH = 64


class TextTower:
    """Makes vectors of texts for the layer ``embedding/NAME``; loaded when it is first asked.

    Args:
        name: of the layer.
        card: its ``layer.json``.
        weights: the user's own with which it was made, as ``annotators.weights.given`` takes them.

    Raises:
        UserError: if the layer's model has no tower for texts here, or it was made with weights of the user's own and none are
            given.
    """

    def __init__(self, name: str, card: Mapping[str, Any], weights: str | None = None) -> None:
        if name not in registry.names("similarity"):
            known = ", ".join(other for other in registry.names("embedding") if other in registry.names("similarity"))
            raise UserError(f"texts cannot be compared with embedding/{name}: name captions, or a layer of {known}")
        if card.get("own_weights") and weights is None:
            raise UserError(f"embedding/{name} was made with weights of your own: give them, or name captions instead")
        kind: Any = registry.get("similarity", name)
        instead = standing_in(kind.card.weights, weights) if weights is not None else None
        self._annotator: PictureAndText = kind(weights=instead)
        registry.require_packages(self._annotator.card)
        self._layer, self._made_with = f"embedding/{name}", set((card.get("weights") or {}).values())

    @property
    def name(self) -> str:
        """Of the model."""
        return self._layer

    @cached_property
    def _pair(self) -> Pair:
        self._annotator.pin()
        used = own_weights.digests(self._annotator.used)
        if self._made_with != set(used.values()):
            raise UserError(f"{self._layer} was made with other weights than {', '.join(used)}: give these")
        prepare_torchvision()
        pair = self._annotator.pair()
        pair.model.eval()
        return pair

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        """float32 (texts, width), of length 1.

        Raises:
            WeightError: if the weights cannot be had.
            UserError: if they are not those of the layer.
        """
        import torch

        made = []
        for start in range(0, len(texts), _BATCH):
            ids = [self._pair.texts.tokens(text).ids for text in texts[start : start + _BATCH]]
            with torch.inference_mode():
                made.append(normalised(self._pair.model.of_texts(torch.stack(ids))).numpy())
        return np.concatenate(made) if made else np.zeros((0, 0), np.float32)

"""A sentence model as sentence-transformers makes them: the mean of a transformer's last hidden states, of length 1.

Reimers and Gurevych, "Sentence-BERT", EMNLP 2019. Only transformers is needed to run one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from humanverse.errors import UserError, one_line

BATCH = 64
"""Texts of one pass, of about the same length."""
TOKENS = 256
"""What is read of a text: all-MiniLM-L6-v2 was trained on no more (``max_seq_length``)."""


@contextmanager
def _without_bars() -> Iterator[None]:
    """No bar of transformers inside."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


class SentenceModel:
    """An ``Embedder``, loaded from a folder of transformers when it is first asked.

    Args:
        folder: with ``config.json``, weights and tokenizer.
        name: see ``Embedder``.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self._name = folder, name

    @property
    def name(self) -> str:
        """See ``Embedder``."""
        return self._name

    @cached_property
    def _loaded(self) -> tuple[Any, Any]:
        """Model and tokenizer.

        Raises:
            UserError: if they cannot be loaded.
        """
        from humanverse.torchvision_operators import prepare_torchvision

        prepare_torchvision()
        from transformers import AutoModel, AutoTokenizer

        try:
            with _without_bars():
                model = AutoModel.from_pretrained(self.folder, local_files_only=True).eval()
                return model, AutoTokenizer.from_pretrained(self.folder, local_files_only=True)
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise UserError(f"the sentence model in {self.folder} cannot be loaded: {one_line(error, 200)}") from error

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        """See ``Embedder``.

        Raises:
            UserError: if the model cannot be loaded.
        """
        model, _ = self._loaded
        vectors = np.zeros((len(texts), model.config.hidden_size), np.float32)
        by_length = np.array(sorted(range(len(texts)), key=lambda place: len(texts[place])), np.int64)
        for start in range(0, len(texts), BATCH):
            places = by_length[start : start + BATCH]
            vectors[places] = self._batch([texts[place] for place in places])
        return vectors

    def _batch(self, texts: Sequence[str]) -> np.ndarray:
        import torch

        model, tokenizer = self._loaded
        longest = min(TOKENS, model.config.max_position_embeddings)
        tokens = tokenizer(list(texts), padding=True, truncation=True, max_length=longest, return_tensors="pt")
        with torch.inference_mode():
            states = model(**tokens).last_hidden_state.float()
        told = tokens.attention_mask[..., None]
        means = (states * told).sum(dim=1) / told.sum(dim=1)
        return np.asarray(torch.nn.functional.normalize(means, dim=1))

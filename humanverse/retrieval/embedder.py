"""What turns texts into vectors that are compared with one another, or with those of pictures."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Protocol

import numpy as np


class Embedder(Protocol):
    """A model of texts.

    Attributes:
        name: tells its vectors from those of any other model; they are kept under it.
    """

    @property
    def name(self) -> str: ...

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        """float32 (texts, width), each of length 1."""


class Remembering:
    """An ``Embedder`` that remembers the texts that it was given last, since several captions of a picture are often the same.

    Args:
        embedder: that is asked about the others.
        most: texts that are remembered.
    """

    def __init__(self, embedder: Embedder, most: int = 20_000) -> None:
        self._embedder, self._most = embedder, most
        self._known: OrderedDict[str, np.ndarray] = OrderedDict()

    @property
    def name(self) -> str:
        """See ``Embedder``."""
        return self._embedder.name

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        """See ``Embedder``."""
        new = list(dict.fromkeys(text for text in texts if text not in self._known))
        if not texts:
            return self._embedder(texts)
        if new:
            self._known.update(zip(new, self._embedder(new), strict=True))
        found = np.stack([self._known[text] for text in texts])
        while len(self._known) > self._most:
            self._known.popitem(last=False)
        return found

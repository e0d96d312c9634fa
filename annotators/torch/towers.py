"""Pictures and texts as vectors that can be compared: what models such as CLIP and SigLIP have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np


@dataclass(frozen=True)
class Tokens:
    """A text as a model reads it.

    Attributes:
        ids: int64 tensor (context,), padded to as many tokens as the model reads.
        truncated: whether the text had more of them, and its end is not read.
    """

    ids: Any
    truncated: bool


class Images(Protocol):
    """A tower for pictures, and the pictures that it wants.

    Attributes:
        tower: a ``torch.nn.Module``, (n, 3, height, width) -> (n, width), not normalised.
    """

    tower: Any

    def input(self, rgb: np.ndarray) -> Any:
        """Float tensor (3, height, width) of a picture, uint8 (height, width, 3)."""


class Texts(Protocol):
    """What makes texts ready for a tower."""

    def tokens(self, text: str) -> Tokens:
        """A text as the tower reads it."""


@dataclass(frozen=True)
class Pair:
    """Two towers whose vectors can be compared.

    Attributes:
        model: a ``torch.nn.Module``, (pictures (n, 3, height, width), ids (n, context)) -> their vectors, each (n, width), not
            normalised.
        images: what makes pictures ready for it.
        texts: what makes texts ready for it.
    """

    model: Any
    images: Images
    texts: Texts


def normalised(vectors: Any) -> Any:
    """Float32 vectors (n, width) at length 1."""
    from torch.nn.functional import normalize

    return normalize(vectors.float(), dim=-1)

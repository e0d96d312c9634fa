"""Pictures through the image tower of a CLIP model of open_clip: what scores, safety heads and similarities are computed from."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from annotators.cache import WeightError
from annotators.torch.operators import prepare_torchvision
from humanverse.errors import one_line


class ClipImages:
    """A CLIP model's image tower and the pictures that it wants.

    Attributes:
        tower: a ``torch.nn.Module``, (n, 3, side, side) -> (n, width), not normalised.
    """

    def __init__(self, tower: Any, transform: Callable[[Any], Any]) -> None:
        self.tower = tower
        self._transform = transform

    @classmethod
    def of(cls, architecture: str, weights: Path) -> ClipImages:
        """A model of an architecture that open_clip knows, such as ``ViT-L-14-quickgelu``, whole and with all of its weights.

        Args:
            architecture: open_clip's name for it.
            weights: a file as open_clip publishes them.

        Raises:
            WeightError: if it is not of that architecture, or cannot be read without running code.
        """
        prepare_torchvision()
        import open_clip
        from safetensors import SafetensorError

        unreadable = (OSError, RuntimeError, ValueError, KeyError, TypeError, pickle.UnpicklingError, SafetensorError)
        try:
            made = open_clip.create_model_from_pretrained(architecture, pretrained=str(weights), weights_only=True)
        except unreadable as error:
            raise WeightError(f"{weights} holds no {architecture} of open_clip ({one_line(error, 160)})") from error
        model, transform = made
        return cls(model.visual, transform)

    def input(self, rgb: np.ndarray) -> Any:
        """Float tensor (3, side, side) of a picture, uint8 (height, width, 3): resized and cut as open_clip does."""
        from PIL import Image

        return self._transform(Image.fromarray(rgb))


def normalised(embeddings: Any) -> Any:
    """Float32 embeddings (n, width) at length 1."""
    from torch.nn.functional import normalize

    return normalize(embeddings.float(), dim=-1)

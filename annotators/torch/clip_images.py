"""Pictures through the image tower of a CLIP model of open_clip: what scores, safety heads and embeddings are computed from."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from annotators.cache import Weight, WeightError
from humanverse.errors import one_line
from humanverse.torchvision_operators import prepare_torchvision

OPENAI_L14 = Weight("hf:timm/vit_large_patch14_clip_224.openai@main:open_clip_model.safetensors", "", 1_710_000_000)
"""OpenAI's CLIP ViT-L/14, both towers, under open_clip's names."""
OPENAI_L14_ARCHITECTURE = "ViT-L-14-quickgelu"
"""Of open_clip; OpenAI's models were trained with the quick approximation of GELU."""


class ClipImages:
    """A CLIP model's image tower and the pictures that it wants: ``annotators.torch.towers.Images``."""

    def __init__(self, tower: Any, transform: Callable[[Any], Any]) -> None:
        self.tower = tower
        self._transform = transform

    @classmethod
    def of(cls, architecture: str, weights: Path) -> ClipImages:
        """The image tower of a model, see ``whole``.

        Raises:
            WeightError: as ``whole``.
        """
        model, transform = whole(architecture, weights)
        return cls(model.visual, transform)

    def input(self, rgb: np.ndarray) -> Any:
        """Float tensor (3, side, side) of a picture, uint8 (height, width, 3): resized and cut as open_clip does."""
        from PIL import Image

        return self._transform(Image.fromarray(rgb))


def whole(architecture: str, weights: Path) -> tuple[Any, Callable[[Any], Any]]:
    """A model of an architecture that open_clip knows, such as ``ViT-L-14-quickgelu``, with all of its weights.

    Args:
        architecture: open_clip's name for it.
        weights: a file as open_clip publishes them.

    Returns:
        The model, and what turns a picture of PIL into its input.

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
    return model, transform

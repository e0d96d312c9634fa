"""Pictures through the image tower of a CLIP model of open_clip: what scores, safety heads and similarities are computed from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from annotators.cache import WeightError
from annotators.torch.operators import prepare_torchvision
from humanverse.errors import one_line

CONFIG = "open_clip_config.json"


class ClipImages:
    """A CLIP model's image tower and the picture it wants.

    Attributes:
        tower: a ``torch.nn.Module``, (n, 3, side, side) -> (n, width), not normalised.
    """

    def __init__(self, tower: Any, transform: Callable[[Any], Any]) -> None:
        self.tower = tower
        self._transform = transform

    @classmethod
    def of(cls, folder: Path) -> ClipImages:
        """The model in a folder as open_clip publishes them on the hub: ``open_clip_config.json``, which says what it is and what
        its pictures look like, and the weights.

        Raises:
            WeightError: if there is none that can be loaded.
        """
        if not (folder / CONFIG).is_file():
            raise WeightError(f"{folder} has no {CONFIG}: give the folder of a model that open_clip has published")
        prepare_torchvision()
        import open_clip

        try:
            model, transform = open_clip.create_model_from_pretrained(f"local-dir:{folder}", weights_only=True)
        except (OSError, RuntimeError, ValueError, KeyError, TypeError) as error:
            raise WeightError(f"{folder} holds no CLIP model that can be loaded ({one_line(error, 160)})") from error
        return cls(model.visual, transform)

    def input(self, rgb: np.ndarray) -> Any:
        """Float tensor (3, side, side) of a picture, uint8 (height, width, 3): resized and cut as the model's settings say."""
        from PIL import Image

        return self._transform(Image.fromarray(rgb))


def normalised(embeddings: Any) -> Any:
    """Float32 embeddings (n, width) at length 1."""
    from torch.nn.functional import normalize

    return normalize(embeddings.float(), dim=-1)

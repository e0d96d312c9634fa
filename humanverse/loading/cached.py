"""Layers that save the trainer work: latents of pictures and maps, and states of captions, made beforehand.

They say what a frozen VAE or text encoder would say of the same training sample, so they are only good for one crop of it: the
middle, which ``Settings.crop`` must ask for, of the bucket that the layer was made with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from humanverse.codec import arrays
from humanverse.loading.buckets import Size

LATENT, PROMPT = "latent", "prompt"
"""Their kinds. In a batch a latent is ``latent_<picture>``, states are ``prompt``."""
KNOWN = "prompt_known"


@dataclass(frozen=True)
class Latent:
    """A layer of latents.

    Attributes:
        layer: ``<kind>/<name>``.
        channels: of a latent.
        shrinks: pixels of a side per cell.
    """

    layer: str
    channels: int
    shrinks: int

    @classmethod
    def of(cls, layer: str, card: Mapping[str, Any]) -> Latent:
        """Of a layer with this ``layer.json``."""
        return cls(layer, card["channels"], card["shrinks"])

    def shape(self, size: Size) -> tuple[int, int, int]:
        """Of the latent of a bucket."""
        return self.channels, size[1] // self.shrinks, size[0] // self.shrinks

    def read(self, data: bytes, row: Mapping[str, Any], size: Size) -> np.ndarray:
        """float16 (channels, height, width).

        Raises:
            ValueError: if it is damaged, or of another bucket.
        """
        if (row["bucket_width"], row["bucket_height"]) != size:
            raise ValueError(f"the latent is of a bucket of {row['bucket_width']}x{row['bucket_height']}")
        return _shaped(arrays.decode(data), self.shape(size))


@dataclass(frozen=True)
class Prompt:
    """A layer of states.

    Attributes:
        layer: ``<kind>/<name>``.
        tokens: that a text is padded to.
        width: of a token's state.
    """

    layer: str
    tokens: int
    width: int

    @classmethod
    def of(cls, layer: str, card: Mapping[str, Any]) -> Prompt:
        """Of a layer with this ``layer.json``."""
        return cls(layer, card["tokens"], card["width"])

    def read(self, data: bytes, row: Mapping[str, Any], text: str) -> np.ndarray:
        """float16 (tokens, width).

        Raises:
            ValueError: if it is damaged, or of another text.
        """
        if row["text"] != text:
            raise ValueError("the states are of another text")
        return _shaped(arrays.decode(data), (self.tokens, self.width))


@dataclass(frozen=True)
class Cached:
    """What a loader reads of such layers.

    Attributes:
        latents: name of a picture (``humanverse.training.pictures``) -> its layer.
        prompts: name of a caption in the settings -> its layer; of all captions, or of none.
    """

    latents: Mapping[str, Latent]
    prompts: Mapping[str, Prompt]

    @property
    def layers(self) -> tuple[str, ...]:
        """All of them."""
        return (*(one.layer for one in self.latents.values()), *(one.layer for one in self.prompts.values()))

    def arrays(self, count: int, size: Size) -> dict[str, np.ndarray]:
        """The arrays of a batch of ``count`` samples of a bucket, to be filled."""
        found: dict[str, np.ndarray] = {
            f"{LATENT}_{name}": np.empty((count, *one.shape(size)), np.float16) for name, one in self.latents.items()
        }
        if self.prompts:
            first = next(iter(self.prompts.values()))
            found[PROMPT] = np.zeros((count, first.tokens, first.width), np.float16)
            found[KNOWN] = np.zeros(count, np.bool_)
        return found


NOTHING = Cached({}, {})


def _shaped(values: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    if values.shape != tuple(shape):
        raise ValueError(f"the array has the shape {list(values.shape)}, not {list(shape)}")
    return values

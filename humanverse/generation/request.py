"""What is asked for, and what is made of it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from humanverse.errors import UserError
from humanverse.generation.skeletons import Size, Skeleton
from humanverse.plurals import plural

SEEDS = 2**32
"""Seeds are below this."""
_SIZE = re.compile(r"\s*(\d{1,5})\s*[xX×]\s*(\d{1,5})\s*", re.ASCII)


@dataclass(frozen=True, eq=False)
class Request:
    """One picture that is wanted.

    Attributes:
        prompt: what it shows.
        skeleton: whom it shows.
        size: (width, height) of stage 1's pictures; None: one that the model was trained with, nearest in shape to the
            skeleton's.
        seed: of all chance, 0 to 2³² - 1.
        steps: network passes of each stage.
        guidance: how much the prompt counts; 1 for no guidance.
        rescale: of stage 1: how far the guided prediction's spread is set back, 0 to 1 (Lin et al., arXiv 2305.08891, 3.4).
        negative: prompt of the pass without prompt.
        original: (width, height) that pictures are to look as if they had been taken with; None: that of each stage's own.
        refined_size: (width, height) of stage 2's picture; None: one that the refiner was trained with, likewise.
        maps: what stage 2 is told in place of stage 1's own: ``depth``, float32 (height, width), nearness in [0, 1], and
            ``normal``, float32 (height, width, 3), unit vectors; NaN where there is none.
    """

    prompt: str
    skeleton: Skeleton
    size: Size | None = None
    seed: int = 0
    steps: int = 50
    guidance: float = 7.5
    rescale: float = 0.7
    negative: str = ""
    original: Size | None = None
    refined_size: Size | None = None
    maps: Mapping[str, np.ndarray] = field(default_factory=dict)

    def check(self) -> None:
        """Refuse what cannot be.

        Raises:
            UserError: if a number is out of its range.
        """
        if not 0 <= self.seed < SEEDS:
            raise UserError(f"seed {self.seed}: give 0 to {SEEDS - 1}")
        if not 1 <= self.steps <= 1000:
            raise UserError(f"{plural(self.steps, 'step')}: give 1 to 1000")
        if not self.guidance >= 1:
            raise UserError(f"guidance {self.guidance}: give 1, for none, or more")
        if not 0 <= self.rescale <= 1:
            raise UserError(f"rescale {self.rescale}: give 0 to 1")

    def facts(self) -> dict[str, Any]:
        """All that decides the picture but for the models, as JSON has it; arrays as SHA-256 of their numbers."""
        size = self.size or self.skeleton.size
        return {
            "prompt": self.prompt,
            "negative": self.negative,
            "seed": self.seed,
            "steps": self.steps,
            "guidance": self.guidance,
            "rescale": self.rescale,
            "size": self.size,
            "original": self.original,
            "refined_size": self.refined_size,
            "skeleton_sha256": digest_of(self.skeleton.drawn(size)),
            "maps_sha256": {name: digest_of(values) for name, values in sorted(self.maps.items())},
        }


def size_of(what: str, words: str | None) -> Size | None:
    """``512x768`` as (width, height); None where nothing is said.

    Args:
        what: is a size, as the user knows it.

    Raises:
        UserError: if it is none.
    """
    if words is None:
        return None
    found = _SIZE.fullmatch(words)
    if found is None or not all(map(int, found.groups())):
        raise UserError(f"{what} {words}: write WIDTHxHEIGHT in pixels, such as 512x768")
    return int(found[1]), int(found[2])


def digest_of(values: np.ndarray) -> str:
    """SHA-256 over shape, type and numbers of an array, in hex."""
    head = json.dumps([list(values.shape), values.dtype.str]).encode()
    return hashlib.sha256(head + np.ascontiguousarray(values).tobytes()).hexdigest()


@dataclass(frozen=True, eq=False)
class Generated:
    """What was made of a request. All pictures but the refined one have the same height and width.

    Attributes:
        request: with the sizes that it was made in.
        skeleton: uint8 (height, width, 3), sRGB, what stage 1 was told.
        rgb: uint8 (height, width, 3), sRGB.
        depth: float32 (height, width), nearness from 0, far, to 1, near; None if the model does not make it.
        normal: float32 (height, width, 3), unit vectors in camera space, x right, y up, z towards the camera; NaN where the
            model shows none; None if the model does not make it.
        refined: uint8 (height, width, 3), sRGB, of stage 2; None without one.
        others: further targets of the model by name, uint8 (height, width, 3).
        watermark: whether ``rgb`` and ``refined`` carry the invisible mark, by name.
    """

    request: Request
    skeleton: np.ndarray
    rgb: np.ndarray
    depth: np.ndarray | None
    normal: np.ndarray | None
    refined: np.ndarray | None
    others: Mapping[str, np.ndarray] = field(default_factory=dict)
    watermark: Mapping[str, bool] = field(default_factory=dict)

"""A skeleton that was found, and where it is from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from humanverse.drawing.skeleton import draw_skeleton
from humanverse.retrieval.frame import Size, adapt


@dataclass(frozen=True, eq=False)
class FoundPose:
    """The people of one sample. It can be drawn in any frame, as ``humanverse.generation.skeletons.Skeleton``.

    Attributes:
        dataset: where it is from.
        uid: of the sample.
        url: of the sample's picture; None if the dataset does not know it.
        shown: what is said of the picture, by the caption that is nearest to the prompt; of an embedding layer the source's.
        layer: that says it, or whose vector was compared: ``source``, ``caption/NAME`` or ``embedding/NAME``.
        pose: the layer of the skeletons, ``pose/NAME``.
        score: the cosine between prompt and caption or picture.
        size: (width, height) of the stored picture in pixels.
        people: float32 (133, 3) each: x, y in the picture's pixels, confidence; 0, 0, 0 for points that are not known.
        prompt: that it was found for.
    """

    dataset: str
    uid: str
    url: str | None
    shown: str | None
    layer: str
    pose: str
    score: float
    size: Size
    people: Sequence[np.ndarray]
    prompt: str

    drawn_by_us = True

    @property
    def width(self) -> int:
        return self.size[0]

    @property
    def height(self) -> int:
        return self.size[1]

    @property
    def caption(self) -> str:
        """What is said of the picture; empty if nothing is."""
        return self.shown or ""

    @property
    def source(self) -> Mapping[str, Any]:
        """Where it is from, as JSON has it."""
        return {
            "kind": "pose from text",
            "dataset": self.dataset,
            "uid": self.uid,
            "url": self.url,
            "caption": self.shown,
            "caption_layer": self.layer,
            "pose_layer": self.pose,
            "score": round(self.score, 4),
            "size": list(self.size),
            "people": len(self.people),
        }

    def placed(self, size: Size) -> list[np.ndarray]:
        """The people in a frame of another size: ``humanverse.retrieval.frame.adapt``."""
        return adapt(self.people, self.size, size)

    def drawn(self, size: Size) -> np.ndarray:
        """uint8 (height, width, 3), sRGB: the skeletons in a frame of ``size`` (width, height)."""
        return draw_skeleton(self.placed(size), height=size[1], width=size[0])

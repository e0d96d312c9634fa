"""What stage 1 is told: the skeletons of people, or a picture in which they are drawn already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from PIL import Image, ImageOps

from humanverse.drawing.skeleton import SEEN, draw_skeleton
from humanverse.errors import UserError
from schemas.skeletons import WHOLEBODY

Size = tuple[int, int]
"""(width, height) in pixels."""
MARGIN = 1 / 8
"""Free space around keypoints whose picture's size is not known, in longer sides of their box."""


class Skeleton(Protocol):
    """What can be drawn in any size.

    Attributes:
        size: of the frame that it was made for.
        caption: words that came with it, empty if none did.
        source: where it is from, as JSON has it.
        drawn_by_us: whether ``humanverse.drawing`` draws it; else it is somebody's picture.
    """

    @property
    def size(self) -> Size: ...
    @property
    def caption(self) -> str: ...
    @property
    def source(self) -> Mapping[str, Any]: ...
    @property
    def drawn_by_us(self) -> bool: ...

    def drawn(self, size: Size) -> np.ndarray:
        """uint8 (height, width, 3), sRGB, whole in the frame ``size`` and not distorted, black around it."""

    def placed(self, size: Size) -> list[np.ndarray]:
        """The people in the frame ``size``: float32 (133, 3) each, x, y in its pixels, and confidence; empty if not known."""


def fitted(size: Size, into: Size) -> tuple[float, float, float]:
    """How a frame is placed in another: as large as it can be whole, in the middle.

    Returns:
        scale, left and top: a point (x, y) becomes (scale x + left, scale y + top).
    """
    (width, height), (wide, high) = size, into
    scale = min(wide / width, high / height)
    return scale, (wide - scale * width) / 2, (high - scale * height) / 2


@dataclass(frozen=True, eq=False)
class People:
    """Keypoints, drawn as in training: widths of lines belong to the size that is drawn, not to the one that was given.

    Attributes:
        people: float32 (133, 3) each: x, y in pixels of ``size``, confidence.
    """

    people: tuple[np.ndarray, ...]
    size: Size
    caption: str = ""
    source: Mapping[str, Any] = field(default_factory=dict)

    drawn_by_us = True

    @classmethod
    def of(
        cls, people: Sequence[Any], size: Size | None = None, caption: str = "", source: Mapping[str, Any] | None = None
    ) -> People:
        """Keypoints in any shape that holds 133 triples each.

        Args:
            size: of their picture; if it is not known, the frame is a box around all points that are seen, with a margin.

        Raises:
            UserError: if nobody is seen.
        """
        points = [np.array(person, np.float32).reshape(len(WHOLEBODY), 3) for person in people]
        seen = _seen(points)
        if not len(seen):
            raise UserError("a pose has no people with points that are seen: give another")
        if size is None:
            low, high = seen.min(axis=0), seen.max(axis=0)
            margin = MARGIN * max(float((high - low).max()), 1.0)
            for person in points:
                person[:, :2] += margin - low
            wide, tall = (high - low + 2 * margin).tolist()
            size = (max(round(wide), 1), max(round(tall), 1))
        return cls(tuple(points), size, caption, source or {})

    def placed(self, size: Size) -> list[np.ndarray]:
        """See ``Skeleton``."""
        scale, left, top = fitted(self.size, size)
        factors, shift = np.array([scale, scale, 1], np.float32), np.array([left, top, 0], np.float32)
        return [person * factors + shift for person in self.people]

    def drawn(self, size: Size) -> np.ndarray:
        """See ``Skeleton``."""
        return draw_skeleton(self.placed(size), height=size[1], width=size[0])


def _seen(people: Sequence[np.ndarray]) -> np.ndarray:
    """(points, 2) of all people, those that are drawn."""
    if not people:
        return np.zeros((0, 2), np.float32)
    points = np.concatenate(people)
    return points[np.isfinite(points).all(axis=1) & (points[:, 2] >= SEEN), :2]


@dataclass(frozen=True, eq=False)
class Drawing:
    """A picture of drawn skeletons, used as it is but for its size.

    Attributes:
        pixels: uint8 (height, width, 3), sRGB.
    """

    pixels: np.ndarray
    caption: str = ""
    source: Mapping[str, Any] = field(default_factory=dict)

    drawn_by_us = False

    @property
    def size(self) -> Size:
        """(width, height)."""
        return int(self.pixels.shape[1]), int(self.pixels.shape[0])

    def placed(self, size: Size) -> list[np.ndarray]:
        """See ``Skeleton``: not known."""
        return []

    def drawn(self, size: Size) -> np.ndarray:
        """See ``Skeleton``."""
        if size == self.size:
            return self.pixels
        return np.asarray(ImageOps.pad(Image.fromarray(self.pixels), size, Image.Resampling.LANCZOS, color=(0, 0, 0)))

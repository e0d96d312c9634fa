"""The people of a sample whose skeletons can be used, and how good these are."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa

from humanverse.dataset.selection import Part
from humanverse.retrieval.frame import Size, seen_inside
from schemas.layers import OK
from schemas.skeletons import PARTS, WHOLEBODY

LEAST_POINTS = 6
"""Body points, of 17, that must be seen inside the picture of somebody who counts: fewer are no pose."""
_BODY = list(PARTS["body"])

Quality = tuple[int, float]
"""See ``quality``; more is better."""


class Poses:
    """The people of a shard's samples; the pose layer is read when it is first asked for.

    Args:
        part: what a view has of the shard, with ``width`` and ``height``.
        layer: ``pose/NAME``.
    """

    def __init__(self, part: Part, layer: str) -> None:
        self._part, self.layer = part, layer
        self._table: pa.Table | None = None
        self.people = lru_cache(maxsize=None)(self._people)

    def size(self, position: int) -> Size:
        """Of a sample's picture: (width, height)."""
        width, height = (self._part.images.column(side)[position].as_py() for side in ("width", "height"))
        return width, height

    def _people(self, position: int) -> tuple[np.ndarray, ...]:
        """Those who count: float32 (133, 3) each. Points that are not finite are of confidence 0."""
        if self._table is None:
            self._table = self._part.layer(self.layer, ["status", "keypoints"])
        value = self._table.column("keypoints")[position]
        if self._table.column("status")[position].as_py() != OK or not value.is_valid:
            return ()
        return counted(_points(value), self.size(position))


def _points(value: Any) -> np.ndarray:
    """float32 (people, 133, 3) of one row's ``keypoints``."""
    numbers = value.values.flatten().to_numpy(zero_copy_only=False)
    return np.asarray(numbers, np.float32).reshape(-1, len(WHOLEBODY), 3)


def counted(people: np.ndarray, size: Size) -> tuple[np.ndarray, ...]:
    """Those of ``people``, float32 (n, 133, 3), of whom enough body points are seen inside a picture of ``size``."""
    known = np.where(np.isfinite(people).all(axis=2, keepdims=True), people, np.float32(0))
    return tuple(points for points in known if seen_inside(points[_BODY], size).sum() >= LEAST_POINTS)


def quality(people: Sequence[np.ndarray], size: Size) -> Quality:
    """How whole and how sure skeletons are: that of the worst of ``people``.

    Returns:
        Body points, of 17, that are seen inside the picture, and their mean confidence, in hundredths.
    """
    found = []
    for points in people:
        seen = seen_inside(points[_BODY], size)
        found.append((int(seen.sum()), round(float(points[_BODY][seen, 2].mean()), 2)))
    return min(found)

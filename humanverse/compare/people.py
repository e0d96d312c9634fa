"""The people that a row tells of, as arrays: boxes, scores, areas, crowds; in the stored picture's pixels or the original's."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from humanverse.compare.measure import Row


@dataclass(frozen=True)
class People:
    """Persons of one picture.

    Attributes:
        boxes: float64 (n, 4), x0, y0, x1, y1.
        scores: float64 (n,).
        areas: float64 (n,), of the masks where they are known, else of the boxes; square pixels.
        crowd: bool (n,), boxes of a crowd.
        masks: whether ``areas`` are those of masks.
    """

    boxes: np.ndarray
    scores: np.ndarray
    areas: np.ndarray
    crowd: np.ndarray
    masks: bool

    def __len__(self) -> int:
        return len(self.boxes)

    def take(self, chosen: np.ndarray) -> People:
        """Some of them, by position or by a mask."""
        arrays = {name: getattr(self, name)[chosen] for name in ("boxes", "scores", "areas", "crowd")}
        return replace(self, **arrays)

    def in_original(self, image: Row) -> People:
        """The same in pixels of the upright original."""
        to = Frame(image)
        return replace(self, boxes=to.points(self.boxes.reshape(-1, 2, 2)).reshape(-1, 4), areas=self.areas * to.area)


def people_of(row: Row) -> People:
    """The people in a row of a person layer."""
    boxes = np.array(row["boxes"], np.float64).reshape(-1, 4)
    known, crowd = row.get("areas"), row.get("crowd")
    size = np.clip(boxes[:, 2:] - boxes[:, :2], 0, None).prod(axis=1)
    return People(
        boxes,
        np.array(row["scores"], np.float64),
        size if known is None else np.array(known, np.float64),
        np.zeros(len(boxes), bool) if crowd is None else np.array(crowd, bool),
        known is not None,
    )


class Frame:
    """From pixels of the stored picture to those of the upright original; ``area`` is original over stored area."""

    def __init__(self, image: Row) -> None:
        x0, y0, x1, y1 = image["original_box"]
        self._start = np.array([x0, y0], np.float64)
        self._scale = np.array([(x1 - x0) / image["width"], (y1 - y0) / image["height"]], np.float64)
        self.area = float(self._scale.prod())

    def points(self, xy: np.ndarray) -> np.ndarray:
        """float (..., 2)."""
        return self._start + xy * self._scale

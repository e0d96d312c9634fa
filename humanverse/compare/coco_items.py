"""What COCO's evaluation is given, and what is kept of each shard of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Truth:
    """One annotated person; coordinates in pixels of the upright original.

    Attributes:
        box: x0, y0, x1, y1.
        area: of the mask, else of the box.
        crowd: whether the box is of a crowd.
        points: (x, y) of all slots, float (k, 2), and which are labelled, bool (k,); None for boxes.
    """

    box: np.ndarray
    area: float
    crowd: bool
    points: tuple[np.ndarray, np.ndarray] | None = None

    @property
    def counts(self) -> bool:
        """Whether it must be found: no crowd, and somebody with a labelled point where points are evaluated."""
        return not self.crowd and (self.points is None or bool(self.points[1].any()))


@dataclass(frozen=True)
class Found:
    """One detection: its score, and its box or its points, float (k, 2)."""

    score: float
    box: np.ndarray | None = None
    points: np.ndarray | None = None


@dataclass(frozen=True)
class Judged:
    """The detections of some pictures within one range of areas, after they were matched.

    Attributes:
        scores: float64 (n,), in the order of the pictures, of each picture the surest first.
        matched: bool (thresholds, n), whether there is a person for it.
        ignored: bool (thresholds, n), whether it does not count.
        wanted: how many persons must be found.
    """

    scores: np.ndarray
    matched: np.ndarray
    ignored: np.ndarray
    wanted: int


Picture = tuple[Sequence[Truth], Sequence[Found]]


def together(items: Sequence[Judged]) -> Judged:
    """Several in one, in their order; ``items`` is not empty."""
    return Judged(
        np.concatenate([item.scores for item in items]),
        np.concatenate([item.matched for item in items], axis=1),
        np.concatenate([item.ignored for item in items], axis=1),
        sum(item.wanted for item in items),
    )

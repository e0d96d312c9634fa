"""Rows of layers for tests of measures, without a dataset around them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from humanverse.compare.measure import Measure, Pair, Said, Side
from schemas.skeletons import WHOLEBODY

IMAGE = {"uid": "a" * 32, "url": None, "width": 200, "height": 100, "original_box": [0.0, 0.0, 200.0, 100.0]}


def sides(kind: str, truth: bool = False, counted_from: float = 0.0) -> tuple[Side, Side]:
    """A layer and its reference, of the same kind."""
    a = Side(f"{kind}/a", {}, {}, counted_from)
    return a, Side(f"{kind}/b", {"truth": truth}, {}, counted_from)


def person(boxes: Sequence[Sequence[float]], scores: Sequence[float] | None = None, **others: Any) -> dict[str, Any]:
    return {"boxes": boxes, "scores": scores or [0.9] * len(boxes), "areas": None, "crowd": None, **others}


def pose(people: Sequence[np.ndarray], present: Sequence[np.ndarray] | None = None) -> dict[str, Any]:
    """People as 133 x (x, y, confidence)."""
    everywhere = [np.ones(len(WHOLEBODY), bool)] * len(people)
    return {
        "keypoints": [points.ravel().tolist() for points in people],
        "present": [there.tolist() for there in (everywhere if present is None else present)],
        "scores": [0.9] * len(people),
    }


def pair(
    a: Mapping[str, Any],
    b: Mapping[str, Any],
    person_a: Mapping[str, Any] | None = None,
    person_b: Mapping[str, Any] | None = None,
    image: Mapping[str, Any] = IMAGE,
) -> Pair:
    said = [Said(row, {"person": read} if read else {}) for row, read in ((a, person_a), (b, person_b))]
    return Pair(image, said[0], said[1])


def measured(measure: Measure, *pairs: Pair) -> list[float | None]:
    """What ``add`` gives for each, as of one shard."""
    values = [measure.add(item) for item in pairs]
    measure.end_of_shard()
    return values

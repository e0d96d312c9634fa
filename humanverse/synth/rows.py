"""A sample as the rows of a data set's layers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from humanverse.codec.maps import ENCODERS
from humanverse.synth.samples import Sample
from humanverse.synth.truth import LABELS
from schemas.skeletons import BODY

Row = dict[str, Any]
KINDS = ("person", "pose", "depth", "normal", "segmentation", "caption")
"""Kinds of layers that a sample fills; ``pose`` is of the people of ``person``."""


def rows(sample: Sample, text: str) -> Mapping[str, Row]:
    """The columns of each kind's row, with the PNG under ``map`` for kinds with maps; without uid and status."""
    depth, normal, labels = (
        _map("depth", sample.depth),
        _map("normal", sample.normal),
        _map("segmentation", sample.labels),
    )
    return {
        "person": _people(sample),
        "pose": _poses(sample),
        "depth": {**depth, "depth_kind": "metric", "unit": "m"},
        "normal": normal,
        "segmentation": {**labels, "label_names": [LABELS[label] for label in labels["labels"]]},
        "caption": {"text": text, "language": "en", "method": "synth"},
    }


def _people(sample: Sample) -> Row:
    boxes = np.array([one.box for one in sample.people])
    covered = np.zeros(sample.owners.shape, bool)
    for x0, y0, x1, y1 in boxes.astype(int):
        covered[y0:y1, x0:x1] = True
    return {
        "boxes": boxes.tolist(),
        "scores": [1.0] * len(boxes),
        "area_ratios": ((boxes[:, 2:] - boxes[:, :2]).prod(axis=1) / covered.size).tolist(),
        "union_area_ratio": float(covered.mean()),
        "areas": [float(one.area) for one in sample.people],
        "crowd": [False] * len(boxes),
    }


def _poses(sample: Sample) -> Row:
    points = [one.points for one in sample.people]
    body = [one[: len(BODY), 2] for one in points]
    return {
        "keypoints": [one.ravel().tolist() for one in points],
        "present": [(one[:, 2] > 0).tolist() for one in points],
        "scores": [float(part[part > 0].mean()) if (part > 0).any() else 0.0 for part in body],
    }


def _map(kind: str, values: np.ndarray) -> Row:
    png, columns = ENCODERS[kind](values)
    height, width = values.shape[:2]
    place = {"map_width": width, "map_height": height, "map_box": [0.0, 0.0, float(width), float(height)]}
    return {**columns, **place, "map_offset": 0, "map_size": 0, "map": png}

"""MediaPipe's single-shot detectors of faces and palms: anchors, decoding, and the best answer near a place.

Both are BlazeFace-like networks (Bazarevsky et al., "BlazeFace", 2019) whose raw outputs are, per anchor, a box and some
points, relative to the anchor's centre and in pixels of the input. The settings are those of MediaPipe's graphs
(``ssd_anchors_calculator`` and ``tensors_to_detections_calculator``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from annotators.engines import TfLite
from annotators.pose.crops import Window, cut
from annotators.weights import Choice, Weight, as_pinned, obtain


@dataclass(frozen=True)
class DetectorKind:
    """What distinguishes one detector from another.

    Attributes:
        weight: the model.
        side: of the square input, in pixels.
        grid: (cells per side, anchors per cell) of each feature map, in the order of the outputs.
        points: how many points come with each box.
        black, white: the input's values for 0 and 255.
    """

    weight: Weight
    side: int
    grid: tuple[tuple[int, int], ...]
    points: int
    black: float
    white: float = 1.0


@dataclass(frozen=True)
class Detection:
    """One face or palm.

    Attributes:
        score: in [0, 1].
        extent: width and height of its box, in pixels of the picture.
        center: of its box, (x, y) in pixels of the picture.
        points: float (n, 2), x and y in pixels of the picture.
    """

    score: float
    extent: np.ndarray
    center: np.ndarray
    points: np.ndarray


def anchors(grid: tuple[tuple[int, int], ...]) -> np.ndarray:
    """Centres of all anchors as fractions of the input, float (n, 2), x and y; rows first, then columns, then anchors."""
    layers = []
    for cells, each in grid:
        centers = (np.arange(cells) + 0.5) / cells
        y, x = np.meshgrid(centers, centers, indexing="ij")
        layers.append(np.repeat(np.column_stack([x.ravel(), y.ravel()]), each, axis=0))
    return np.concatenate(layers)


class BlazeDetector:
    """One detector, loaded."""

    def __init__(self, kind: DetectorKind, weight: Choice = as_pinned) -> None:
        self._kind = kind
        self._model = TfLite(obtain(weight(kind.weight)))
        self._anchors = anchors(kind.grid)

    def detect(self, rgb: np.ndarray, window: Window, min_score: float) -> list[Detection]:
        """What the window shows, best first. Several detections may be of the same thing.

        Args:
            rgb: uint8 (height, width, 3), the picture.
            window: the upright part of it to look at.
            min_score: the floor, in [0, 1].
        """
        kind = self._kind
        crop = cut(rgb, window, kind.side).astype(np.float32)
        raw, logits = self._model(crop / 255 * (kind.white - kind.black) + kind.black)[:2]
        scores = 1 / (1 + np.exp(-np.clip(logits[0, :, 0], -30, 30)))
        chosen = np.flatnonzero(scores >= min_score)
        chosen = chosen[np.argsort(-scores[chosen], kind="stable")]
        values = raw[0, chosen].astype(np.float64) / kind.side
        pairs = values.reshape(len(chosen), 2 + kind.points, 2)
        centers = window.to_picture(pairs[:, 0] + self._anchors[chosen])
        points = window.to_picture(pairs[:, 2:] + self._anchors[chosen][:, None])
        extents = pairs[:, 1] * window.side
        return [
            Detection(float(scores[index]), extent, center, where)
            for index, extent, center, where in zip(chosen, extents, centers, points, strict=True)
        ]

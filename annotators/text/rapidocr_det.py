"""Written text by the text detector of PP-OCR, as RapidOCR ships it. Text is found, not read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from pydantic import Field

from annotators import archives
from annotators.base import Annotator, Card, Picture, Row, Settings, Unavailable
from annotators.engines import onnx_session
from annotators.person.boxes import areas, clipped, union_area
from annotators.weights import Weight, obtain

_MULTIPLE = 32
_MEAN = 0.5
_STD = 0.5

MODEL = Weight(
    "pypi:rapidocr==3.10.0:rapidocr/models/PP-OCRv6_det_small.onnx",
    "090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f",
    9929594,
    archives.RAPIDOCR,
)


class TextSettings(Settings):
    """Attributes:
    side: the longer side, in pixels, that pictures larger than it are reduced to.
    min_probability: from which probability on a pixel belongs to text.
    min_score: the floor of what is stored: the mean probability over a region.
    min_area_ratio: a box smaller than this part of the picture does not count for ``has_text``.
    """

    side: int = Field(default=640, ge=_MULTIPLE)
    min_probability: float = Field(default=0.3, gt=0, lt=1)
    min_score: float = Field(default=0.6, ge=0, le=1)
    min_area_ratio: float = Field(default=0.002, ge=0, le=1)


def regions(probability: np.ndarray, settings: TextSettings) -> tuple[np.ndarray, np.ndarray]:
    """Upright boxes (n, 4) around connected text, as fractions of the map's sides, and their scores (n,), best first.

    The detector is trained on regions that are shrunk (Liao et al., "Real-time scene text detection with differentiable
    binarization", AAAI 2020); each box is grown back by area x 1.5 / perimeter on every side.

    Args:
        probability: float (height, width) in [0, 1].
        settings: the thresholds.
    """
    import cv2

    count, labels, stats, _ = cv2.connectedComponentsWithStats(
        (probability > settings.min_probability).astype(np.uint8), connectivity=8
    )
    pixels = np.maximum(np.bincount(labels.ravel(), minlength=count), 1)
    scores = (np.bincount(labels.ravel(), probability.ravel(), minlength=count) / pixels)[1:]
    left, top, width, height = stats[1:, :4].astype(np.float64).T
    grown = 1.5 * width * height / np.maximum(2 * (width + height), 1)
    boxes = np.column_stack([left - grown, top - grown, left + width + grown, top + height + grown])
    chosen = np.flatnonzero((scores >= settings.min_score) & (np.minimum(width, height) >= 3))
    chosen = chosen[np.argsort(-scores[chosen], kind="stable")]
    rows, columns = probability.shape
    return boxes[chosen] / (columns, rows, columns, rows), scores[chosen]


class RapidOcrDetector(Annotator):
    """PP-OCRv6's small detector."""

    card = Card(
        kind="text",
        name="rapidocr-detector",
        version=1,
        summary="boxes around written text and watermarks by PP-OCRv6's detector, on a CPU",
        model="PaddleOCR PP-OCRv6_det_small, as ONNX in rapidocr 3.10.0",
        licence="Apache-2.0",
        protocol="longer side at most 640 px, sides a multiple of 32",
        output=(
            "upright boxes with the mean probability in each; text_area_ratio is the part of the picture that the "
            "boxes cover, has_text whether one of them is large enough; the text is not read, and faint watermarks "
            "are missed"
        ),
        weights=(MODEL,),
        packages={"onnxruntime": "lite", "cv2": ""},
    )
    Settings = TextSettings
    settings: TextSettings

    def load(self) -> None:
        self._session = onnx_session(obtain(MODEL))
        self._input: str = self._session.get_inputs()[0].name

    def annotate(self, pictures: Sequence[Picture], needs: Mapping[str, Sequence[Row]]) -> Sequence[Row | Unavailable]:
        return [self._row(picture.rgb) for picture in pictures]

    def _row(self, rgb: np.ndarray) -> Row:
        height, width = rgb.shape[:2]
        fractions, scores = regions(self._probability(rgb), self.settings)
        boxes = clipped(fractions * (width, height, width, height), width, height).astype(np.float32)
        ratios = areas(boxes.astype(np.float64)) / (width * height)
        return {
            "boxes": boxes.tolist(),
            "scores": scores.tolist(),
            "text_area_ratio": union_area(boxes.astype(np.float64)) / (width * height),
            "has_text": bool((ratios >= self.settings.min_area_ratio).any()),
        }

    def _probability(self, rgb: np.ndarray) -> np.ndarray:
        """float32 (height, width): how likely each pixel of the reduced picture belongs to text."""
        import cv2

        scale = min(1.0, self.settings.side / max(rgb.shape[:2]))
        height, width = (max(1, round(side * scale / _MULTIPLE)) * _MULTIPLE for side in rgb.shape[:2])
        small = cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA)
        image = (small[:, :, ::-1].astype(np.float32) / 255 - _MEAN) / _STD
        (found,) = self._session.run(None, {self._input: image.transpose(2, 0, 1)[None].astype(np.float32)})
        return np.asarray(found[0, 0])

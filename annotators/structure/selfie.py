"""A mask of people by MediaPipe's selfie segmentation, which ships inside a package: 0.25 MB, about 10 ms a window."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from annotators import archives
from annotators.engines import TfLite
from annotators.weights import Choice, as_pinned, obtain

MODEL = archives.mediapipe(
    "selfie_segmentation/selfie_segmentation.tflite",
    "9ee168ec7c8f2a16c56fe8e1cfbc514974cbbb7e434051b455635f1bd1462f5c",
    249505,
)
SIDE = 256
"""Of the window that it looks at, in pixels."""


class Selfie:
    """The model, loaded."""

    weights: Sequence = (MODEL,)

    def __init__(self, weight: Choice = as_pinned) -> None:
        self._model = TfLite(obtain(weight(MODEL)))

    def mask(self, rgb: np.ndarray) -> np.ndarray:
        """float32 (``SIDE``, ``SIDE``): how surely each pixel shows a person, in [0, 1].

        Args:
            rgb: uint8 (``SIDE``, ``SIDE``, 3), sRGB.
        """
        said = self._model(rgb.astype(np.float32) / 255)[0][0, :, :, 0]
        return np.clip(said, 0, 1)

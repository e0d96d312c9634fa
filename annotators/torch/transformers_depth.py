"""Depth by any model that transformers has for it, with the input protocol that lies beside its weights."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from annotators.torch.dense import DenseAnnotator, View
from annotators.torch.pretrained import model, processor
from annotators.weights import obtain

IDLE = ("neck.fusion_stage.layers.0.residual_layer1.",)
"""The unit of a DPT that adds a finer map to the coarsest, which has nothing to be added to. Published checkpoints lack it."""


class TransformersDepth(DenseAnnotator):
    """Base: give the names of the model's and its processor's class, and ``row``.

    The processor resizes and normalises as its settings say; every one of them shows the model the whole picture.
    """

    model_class: ClassVar[str]
    processor_class: ClassVar[str]

    def build(self) -> Any:
        folder = obtain(self.weights[0])
        self._processor = processor(self.processor_class, folder)
        return model(self.model_class, folder, self.dtype, IDLE)

    def view(self, rgb: np.ndarray) -> View:
        height, width = rgb.shape[:2]
        shown = self._processor(images=rgb, input_data_format="channels_last", return_tensors="pt")
        return View(shown["pixel_values"][0], (0.0, 0.0, float(width), float(height)))

    def forward(self, batch: Any) -> Any:
        return self.model(pixel_values=batch).predicted_depth

"""The probability of one label, by any picture classifier of the transformers library."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from annotators.cache import WeightError
from annotators.torch.one_number import OneNumber
from annotators.torch.pretrained import model, processor
from annotators.weights import obtain


class TransformersClassifier(OneNumber):
    """Name the classes, the label and the card, whose only weight is the model's folder. Labels exclude each other."""

    halves = True
    model_class: ClassVar[str] = "ViTForImageClassification"
    """In transformers; gives ``logits`` (n, labels) for ``pixel_values`` (n, 3, height, width)."""
    processor_class: ClassVar[str] = "ViTImageProcessor"
    label: ClassVar[str]
    """As in the model's ``id2label``, in any case."""

    def build(self) -> Any:
        folder = obtain(self.weights[0])
        found = model(self.model_class, folder, self.dtype)
        self._index = _index(found.config.id2label, self.label, folder)
        self._processor = processor(self.processor_class, folder)
        return found

    def input(self, rgb: np.ndarray) -> Any:
        made = self._processor(images=np.array(rgb), input_data_format="channels_last", return_tensors="pt")
        return made["pixel_values"][0]

    def numbers(self, batch: Any) -> Any:
        return self.model(pixel_values=batch).logits.float().softmax(dim=-1)[:, self._index]


def _index(names: dict[int, str], label: str, folder: Path) -> int:
    found = [index for index, name in names.items() if name.lower() == label.lower()]
    if len(found) != 1:
        raise WeightError(f"{folder} has the labels {', '.join(names.values())}, and {label!r} is needed once")
    return found[0]
